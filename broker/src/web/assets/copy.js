// Puts a button beside each block of code that copies it. Without this script nothing is missing but the buttons.
"use strict";

(() => {
  // Browsers give the clipboard to encrypted pages alone; the older way works on the others.
  const copy = async (text) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return;
    }
    const area = document.createElement("textarea");
    area.className = "unseen";
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) {
      throw new Error("not copied");
    }
  };

  // What happened, for those who do not see the button.
  const told = document.createElement("p");
  told.className = "unseen";
  told.setAttribute("role", "status");
  document.body.append(told);

  // What is there to be read needs none.
  for (const block of document.querySelectorAll(".code:not(:has(.language-text))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      let result = "Copied";
      try {
        await copy(block.querySelector("code").textContent);
      } catch {
        result = "Not copied";
      }
      button.textContent = result;
      told.textContent = result;
      button.focus();
      setTimeout(() => {
        button.textContent = "Copy";
        told.textContent = "";
      }, 2000);
    });
    block.prepend(button);
  }
})();
