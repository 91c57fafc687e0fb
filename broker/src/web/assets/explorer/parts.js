// What the scripts of the explorer share: pages of this service, of which marked parts are put in place.
"use strict";

const explorer = {};

(() => {
  // Told to those who do not see what has changed. A region that is there from the beginning is read out reliably.
  const told = document.createElement("p");
  told.className = "unseen";
  told.setAttribute("role", "status");
  document.body.append(told);
  explorer.tell = (text) => {
    told.textContent = text;
  };

  // A page of this service, as a document that runs nothing.
  explorer.page = async (url, options = {}) => {
    const headers = { ...options.headers, Accept: "text/html" };
    const response = await fetch(url, { ...options, headers });
    if (response.status === 401 || response.redirected) {
      // The login has ended: the whole page says how to go on.
      location.reload();
    }
    return new DOMParser().parseFromString(await response.text(), "text/html");
  };

  const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

  // What has the focus, so that it can be found again among new elements.
  const marks = (element) =>
    ["id", "href", "name", "aria-label"].map((name) => element.getAttribute(name)).join("\n") + element.tagName;

  // Puts a part of another page in place of the one here. False: the other page has none.
  explorer.swap = (page, name) => {
    const [here, there] = [part(document, name), part(page, name)];
    if (!here || !there) {
      return false;
    }
    const focused = here.contains(document.activeElement) ? marks(document.activeElement) : null;
    const scrolled = [...here.querySelectorAll(".wide")].map((box) => box.scrollLeft);
    here.replaceChildren(...there.childNodes);
    here.querySelectorAll(".wide").forEach((box, at) => {
      box.scrollLeft = scrolled[at] ?? 0;
    });
    if (focused !== null) {
      [...here.querySelectorAll("a, input, button, [tabindex]")].find((one) => marks(one) === focused)?.focus();
    }
    return true;
  };

  // The sentence of a page that has no such part: what went wrong.
  explorer.sentence = (page) => page.querySelector(".problem .sentence")?.textContent ?? "There was no answer.";

  // A new element with attributes and children.
  explorer.element = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };
})();
