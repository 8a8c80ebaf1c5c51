// The page works without this: it adds the filter, opening by address, and copying. It touches what is there, and makes
// no HTML out of text.
"use strict";
(() => {
  const root = document.documentElement;
  const box = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const all = [...document.querySelectorAll("[data-find]")];
  const holders = [...document.querySelectorAll("[data-holds]")];
  const cases = [...document.querySelectorAll("details.case")];
  root.classList.add("js");

  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of all) {
      const text = one.dataset.find.toLowerCase();
      one.hidden = !words.every((word) => text.includes(word));
    }
    for (const holder of holders) {
      holder.hidden = words.length > 0 && !holder.querySelector("[data-find]:not([hidden])");
    }
    const left = cases.filter((one) => !one.hidden).length;
    shown.value = words.length === 0 ? "" : `${left} of ${cases.length} differences`;
  }

  function followAddress() {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash.startsWith("filter=")) {
      box.value = hash.slice(7);
    } else {
      const one = hash && document.getElementById(hash);
      if (one && one.matches("details")) {
        one.open = true;
        one.scrollIntoView();
      }
    }
    filter();
  }

  box.addEventListener("input", () => {
    filter();
    const hash = box.value ? `#filter=${encodeURIComponent(box.value)}` : " ";
    try { history.replaceState(null, "", hash); } catch { /* not where files may not change their address */ }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape" && document.activeElement === box) {
      box.value = "";
      box.dispatchEvent(new Event("input"));
    }
  });

  function openAll(open) {
    for (const one of cases) if (!one.hidden) one.open = open;
  }
  document.getElementById("open-all")?.addEventListener("click", () => openAll(true));
  document.getElementById("close-all")?.addEventListener("click", () => openAll(false));
  addEventListener("beforeprint", () => openAll(true));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const commands = button.closest("details").querySelectorAll(".command");
    const text = [...commands].map((one) => one.textContent + "\n").join("");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => { button.textContent = "Copy the commands"; }, 1500);
  });

  addEventListener("hashchange", followAddress);
  followAddress();
})();
