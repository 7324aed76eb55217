// The page that checks a file: dropping it, refusing early what is too large, saying that it works.
// It works without this: a file field and a button.

const form = document.querySelector("#verify");
const drop = document.querySelector("#drop");
const input = document.querySelector("#f-file");
const wrong = document.querySelector("#f-file-error");
const busy = document.querySelector("#busy");
const button = form.querySelector("footer button");

/** Refuse a file that is too large before it is sent. */
function isFit() {
  const file = input.files[0];
  const isLarge = Boolean(file) && file.size > Number(form.dataset.most);
  wrong.textContent = isLarge ? form.dataset.large : "";
  input.toggleAttribute("aria-invalid", isLarge);
  drop.classList.toggle("wrong", isLarge);
  return !isLarge;
}

input.addEventListener("change", isFit);

form.addEventListener("submit", (event) => {
  if (!isFit()) {
    event.preventDefault();
    input.focus();
    return;
  }
  busy.textContent = form.dataset.busy;
  button.setAttribute("aria-disabled", "true");
});

addEventListener("pageshow", () => {
  busy.textContent = "";
  button.removeAttribute("aria-disabled");
});

// A file may be dropped anywhere on the page; elsewhere the browser would open it.
for (const name of ["dragenter", "dragover"]) {
  addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("over");
  });
}
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  drop.classList.remove("over");
  input.files = event.dataTransfer.files;
  if (isFit()) form.requestSubmit();
  else input.focus();
});

// After a check, what was found is read first.
document.querySelector("#result")?.focus();
