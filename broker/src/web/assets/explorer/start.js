// The page of an app and that of the platform: the list of families leads to plots.
(() => {
  const app = document.getElementById("app");
  const platform = document.getElementById("platform");
  const root = app ?? platform;
  if (!root) {
    return;
  }
  const families = document.querySelector('[data-part="families"]');
  const values = document.querySelector('[data-part="values"]');
  // Milliseconds after which the state of the instances is shown anew though nothing has happened.
  const REFRESH = 30000;
  let look = null;
  let states = "";
  let shown = 0;

  // The address of this page with other parameters.
  const here = (change) => {
    const query = new URLSearchParams(location.search);
    change(query);
    const text = query.toString().replace(/(^|&)ask=(?=&|$)/, "$1ask");
    return location.pathname + (text ? `?${text}` : "");
  };

  const items = () => [...families.querySelectorAll("[data-family]")];

  const mark = (name) => {
    for (const item of items()) {
      const link = item.querySelector("a");
      if (item.dataset.family === name) {
        link.setAttribute("aria-current", "true");
      } else {
        link.removeAttribute("aria-current");
      }
    }
  };

  // Shows one family from now on.
  const choose = (name) => {
    look?.end();
    mark(name);
    look = new explorer.Look(values, { url: root.dataset.samples, name, told });
    const url = here((query) => {
      query.delete("ask");
      query.set("family", name);
    });
    history.replaceState(null, "", url);
  };

  // The family that is worth looking at first: one that moves.
  const first = () => {
    const wanted = root.dataset.family;
    const all = items();
    const of = (type) => all.find((item) => item.dataset.type === type);
    return wanted || (of("counter") ?? of("histogram") ?? of("gauge") ?? all[0])?.dataset.family;
  };

  // After each answer: the table of instances follows when one of them has changed.
  const told = async (answer) => {
    if (!answer.instances) {
      return;
    }
    const now = JSON.stringify(answer.instances.map((one) => [one.instance_guid, one.address, one.status, one.last?.error, one.path]));
    if (now === states && performance.now() - shown < REFRESH) {
      return;
    }
    states = now;
    shown = performance.now();
    try {
      explorer.swap(await explorer.page(here((query) => query.delete("ask"))), "instances");
    } catch {
      // The next answer tries again.
      states = "";
    }
  };

  families.addEventListener("click", (event) => {
    const item = event.target.closest("a")?.closest("[data-family]");
    if (item && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      choose(item.dataset.family);
      explorer.tell(`Plotting ${item.dataset.family}`);
    }
  });

  // What is in the list is filtered here; the service looks further when the form is sent.
  families.addEventListener("input", (event) => {
    if (event.target.name !== "filter") {
      return;
    }
    const wanted = event.target.value.trim().toLowerCase();
    let count = 0;
    for (const item of items()) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
      count += item.hidden ? 0 : 1;
    }
    explorer.tell(`${count} shown`);
  });

  const start = async () => {
    if (app && !families.querySelector("[data-families]")) {
      families.replaceChildren(explorer.element("p", { class: "ask", "aria-busy": "true" }, "Asking the instances…"));
      try {
        const url = here((query) => {
          query.delete("family");
          query.set("ask", "");
        });
        const page = await explorer.page(url, { headers: { "X-Prometheus-Scrape-Timeout-Seconds": "3.5" } });
        if (!explorer.swap(page, "families")) {
          families.replaceChildren(explorer.element("p", { class: "notice", role: "alert" }, explorer.sentence(page)));
        }
        explorer.swap(page, "instances");
        shown = performance.now();
      } catch {
        families.replaceChildren(explorer.element("p", { class: "notice", role: "alert" }, "promfetch does not answer. Load the page again."));
        return;
      }
    }
    const name = first();
    if (name) {
      choose(name);
    }
  };

  // Of the platform some plots are there from the beginning.
  if (platform) {
    const names = platform.dataset.plots.split(" ");
    const grid = document.getElementById("plots");
    for (const name of names.filter((name) => items().some((item) => item.dataset.family === name))) {
      const cell = explorer.element("div");
      grid.append(cell);
      new explorer.Look(cell, { url: platform.dataset.samples, name, small: true, every: 10000 });
    }
    if (platform.dataset.family) {
      choose(platform.dataset.family);
    }
  } else {
    start();
  }
})();
