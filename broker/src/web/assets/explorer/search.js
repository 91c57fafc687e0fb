// The list of apps follows what is typed.
(() => {
  const form = document.getElementById("search");
  if (!form) {
    return;
  }
  const input = form.elements.q;
  const results = document.querySelector('[data-part="results"]');
  let timer = 0;
  let running = null;
  let shown = input.value.trim();

  const find = async () => {
    const text = input.value.trim();
    if (text === shown) {
      return;
    }
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const query = new URLSearchParams(new FormData(form));
    query.set("q", text);
    const url = `./?${query}`;
    results.setAttribute("aria-busy", "true");
    try {
      const page = await explorer.page(url, { signal });
      if (signal.aborted) {
        return;
      }
      shown = text;
      if (explorer.swap(page, "results")) {
        history.replaceState(null, "", url);
        explorer.tell(results.querySelector(".found")?.textContent ?? "");
      } else {
        results.textContent = explorer.sentence(page);
      }
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      results.textContent = "promfetch does not answer. Type again to try again.";
      shown = null;
    }
    results.removeAttribute("aria-busy");
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 150);
  });
})();
