// Samples one family again and again while the page is visible, and shows it.
(() => {
  const EVERY = 5000;
  // The second sample comes sooner: a rate needs two.
  const SECOND = 2000;
  // Instances that hang do not hold the others up for longer.
  const PATIENCE = "3";
  const { element } = explorer;

  explorer.Look = class {
    // `url` is that of `/samples`; `told` is called with each answer.
    constructor(root, { url, name, small = false, every = EVERY, told = () => {} }) {
      Object.assign(this, { url, name, every, told });
      this.history = new explorer.History();
      this.choice = null;
      this.paused = false;
      this.running = null;
      this.timer = 0;
      this.root = element("figure", { class: small ? "plot small" : "plot", "data-plot": name });
      root.replaceChildren(this.root);
      this.type = element("span", { class: "kind" });
      this.help = element("p", { class: "help" });
      this.notice = element("p", { class: "notice", role: "status" });
      const caption = element("figcaption", {}, element("code", {}, name), " ", this.type);
      this.root.append(caption);
      if (!small) {
        this.select = element("select", { id: "series" });
        this.select.addEventListener("change", () => {
          this.choice = this.select.value;
          this.draw();
        });
        this.button = element("button", { type: "button", id: "pause", "aria-pressed": "false" }, "Pause");
        this.button.addEventListener("click", () => this.pause(!this.paused));
        const picker = element("label", { class: "picker" }, "Series ", this.select);
        this.root.append(this.help, element("div", { class: "tools" }, picker, this.button));
      }
      this.plot = new explorer.Plot(this.root, { name, small });
      if (small) {
        caption.append(" ", this.plot.latest);
      }
      this.root.append(this.notice);
      this.seen = () => (document.hidden ? this.stop() : this.go());
      document.addEventListener("visibilitychange", this.seen);
      this.go();
    }

    // Ends for good.
    end() {
      this.stop();
      document.removeEventListener("visibilitychange", this.seen);
      this.ended = true;
    }

    stop() {
      clearTimeout(this.timer);
      this.timer = 0;
      this.running?.abort();
      this.running = null;
    }

    go() {
      if (!this.ended && !this.paused && !document.hidden && !this.running) {
        clearTimeout(this.timer);
        this.ask();
      }
    }

    pause(paused) {
      this.paused = paused;
      this.button.textContent = paused ? "Go on" : "Pause";
      this.button.setAttribute("aria-pressed", String(paused));
      if (paused) {
        this.stop();
      } else {
        this.go();
      }
    }

    async ask() {
      const running = new AbortController();
      this.running = running;
      const began = performance.now();
      try {
        const join = this.url.includes("?") ? "&" : "?";
        const response = await fetch(`${this.url}${join}family=${encodeURIComponent(this.name)}`, {
          signal: running.signal,
          headers: { Accept: "application/json", "X-Prometheus-Scrape-Timeout-Seconds": PATIENCE },
        });
        const answer = await response.json();
        if (!response.ok) {
          throw new Error(answer.detail ?? response.statusText);
        }
        this.history.add(answer);
        this.notice.textContent = answer.family ? "" : "No instance that answered has it at the moment.";
        this.draw();
        this.told(answer);
      } catch (error) {
        if (running.signal.aborted) {
          return;
        }
        this.notice.textContent = `No values: ${error.message}. Trying again.`;
      }
      this.running = null;
      if (this.paused || this.ended || document.hidden) {
        return;
      }
      const step = this.history.ticks.length === 1 ? SECOND : this.every;
      this.timer = setTimeout(() => this.go(), Math.max(step - (performance.now() - began), 500));
    }

    draw() {
      const choices = this.history.choices();
      if (!choices.some(({ key }) => key === this.choice)) {
        this.choice = choices[0]?.key ?? null;
      }
      this.type.textContent = this.history.type;
      this.help.textContent = this.history.help;
      if (this.select) {
        const keys = choices.map(({ key }) => key).join("\n");
        if (keys !== this.keys) {
          this.keys = keys;
          this.select.replaceChildren(...choices.map(({ key, words }) => element("option", { value: key }, words)));
          this.select.disabled = choices.length < 2;
        }
        this.select.value = this.choice ?? "";
      }
      if (this.choice !== null || this.history.ticks.length > 0) {
        this.plot.draw(this.history.lines(this.choice));
      }
    }
  };
})();
