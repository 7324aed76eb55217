// What every page has: theme, menu, dialogs, messages, find, copying, a lost connection.
// Pages work without it.

const find = (selector, root = document) => root.querySelector(selector);
const toast = find("#toast");
let toastTimer;

/** Say something for eight seconds, with a way to take it back if there is one. */
export function say(message, undo) {
  toast.replaceChildren();
  const text = document.createElement("span");
  text.textContent = message;
  toast.append(text);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = toast.dataset.undo || "Undo";
    button.addEventListener("click", () => {
      toast.hidden = true;
      undo();
    });
    toast.append(button);
  }
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.hidden = true), 8000);
}

/** The token that proves a call to be ours. */
export const csrf = () => find("meta[name=csrf]").content;

/** Say whether somebody is typing, so that keys are theirs. */
export function isTyping(target) {
  return Boolean(target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog"));
}

// --- theme -----------------------------------------------------------------------------------

find("#theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // It holds for this page at least.
  }
});

// --- the rail on a phone -----------------------------------------------------------------------

const burger = find("#burger");
const rail = find("#rail");

function openRail(isOpen) {
  rail.classList.toggle("open", isOpen);
  burger.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) find("a", rail)?.focus();
  else burger.focus();
}

burger?.addEventListener("click", () => openRail(!rail.classList.contains("open")));
document.addEventListener("click", (event) => {
  if (rail?.classList.contains("open") && !event.target.closest("#rail, #burger")) openRail(false);
});

// --- dialogs -------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    dialog.showModal();
    dialog.addEventListener("close", () => opener.isConnected && opener.focus(), { once: true });
    return;
  }
  event.target.closest("[data-close]")?.closest("dialog")?.close();
});

// --- copying ---------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(toast.dataset.copied || "Copied");
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    say(toast.dataset.selected || "Selected; copy it with the keyboard");
  }
});

// --- a form is sent once -----------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, 10000);
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// --- htmx --------------------------------------------------------------------------------------------

const offline = find("#offline");
const ASK_AGAIN_MS = 1500;
let asking;

/**
 * Say that the server cannot be reached, and ask until it can. The browser only tells when the line of
 * this machine comes back, never when the server behind it does.
 */
export function lineLost() {
  offline.hidden = false;
  asking ??= setTimeout(askAgain, ASK_AGAIN_MS);
}

/** Take the word of a lost connection back. */
export function lineBack() {
  offline.hidden = true;
  clearTimeout(asking);
  asking = undefined;
}

async function askAgain() {
  asking = undefined;
  try {
    await fetch("/healthz", { method: "HEAD", cache: "no-store" });
    lineBack();
  } catch {
    lineLost();
  }
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = csrf();
});
document.addEventListener("htmx:sendError", lineLost);
document.addEventListener("htmx:afterOnLoad", lineBack);
addEventListener("offline", lineLost);
addEventListener("online", lineBack);
document.addEventListener("htmx:responseError", (event) => {
  let text = "";
  try {
    text = JSON.parse(event.detail.xhr.responseText).detail;
  } catch {
    text = `${event.detail.xhr.status}`;
  }
  say(text);
});

// What has the focus keeps it when its part of the page comes anew (htmx does so for what has an id).
const FOCUSABLE = "a[href], button, summary, input, select, textarea";
let held;

function mark(element) {
  const parts = [element.tagName, element.getAttribute("href"), element.form?.getAttribute("action")];
  return [...parts, element.name, element.textContent.trim()].join(" ");
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  const active = document.activeElement;
  held = null;
  if (!active.matches(FOCUSABLE) || active.id || !target.contains(active)) return;
  const alike = [...target.querySelectorAll(FOCUSABLE)].filter((each) => mark(each) === mark(active));
  held = { mark: mark(active), place: alike.indexOf(active) };
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (!held || document.activeElement !== document.body) return;
  const part = event.detail.target.isConnected ? event.detail.target : event.detail.elt;
  const alike = [...part.querySelectorAll(FOCUSABLE)].filter((each) => mark(each) === held.mark);
  const again = alike[held.place] ?? alike.at(-1);
  held = null;
  if (again) return again.focus({ preventScroll: true });
  part.tabIndex = -1; // what had it is gone: whoever goes by keyboard goes on from its part
  part.focus({ preventScroll: true });
});

// --- find ----------------------------------------------------------------------------------------------

const field = find("#find");
const found = find("#found");
let asked;

function choose(option) {
  for (const each of found.querySelectorAll("[role=option]")) each.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}

function showFound(isShown) {
  found.hidden = !isShown;
  field.setAttribute("aria-expanded", String(isShown));
  if (!isShown) choose(null);
}

async function lookUp() {
  const words = field.value.trim();
  asked?.abort();
  if (words.length < 2) return showFound(false);
  asked = new AbortController();
  try {
    const answer = await fetch(`/find?q=${encodeURIComponent(words)}`, {
      headers: { "HX-Request": "true" },
      signal: asked.signal,
    });
    if (!answer.ok) return showFound(false);
    found.innerHTML = await answer.text();
    showFound(true);
  } catch (error) {
    if (error.name !== "AbortError") showFound(false);
  }
}

if (field) {
  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(lookUp, 150);
  });
  field.addEventListener("keydown", (event) => {
    const options = [...found.querySelectorAll("[role=option]")];
    const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") {
      showFound(false);
    } else if (event.key === "ArrowDown" && options.length) {
      event.preventDefault();
      choose(options[(at + 1) % options.length]);
    } else if (event.key === "ArrowUp" && options.length) {
      event.preventDefault();
      choose(options[(at - 1 + options.length) % options.length]);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      location.assign(options[at].dataset.href);
    }
  });
  found.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.href);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".find")) showFound(false);
  });
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && field) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && rail?.classList.contains("open")) {
    openRail(false);
  } else if (event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey) {
    const filter = find("[data-filter]");
    if (filter) {
      event.preventDefault();
      filter.focus();
    }
  }
});
