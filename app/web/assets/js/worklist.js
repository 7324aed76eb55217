// A reviewer's list: keys, decisions that are saved at once and rolled back if they could not be,
// the panel that follows the chosen item, and what was decided in another window.
// Without it the same page works by its forms and links.

import { csrf, isTyping, lineBack, lineLost, say } from "./main.js";

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const page = find("main.worklist");
const list = find("#list");
const side = find("#ctx");
const sheet = find("#sheet");
const hold = find(".hold", sheet);
const words = find("#says").dataset;
const moved = find("#moved");
const here = page.dataset.here;
const isOpen = page.dataset.open === "yes";

const PANEL_MS = 60;
const POLL_MS = 30_000;
const AWAKE_MS = 600_000;
const LONGEST_DWELL_MS = 86_400_000;

let rows = all(".it[data-id]", list);
let shown = rows.filter((row) => !row.hidden);
let current = null;
let show = page.dataset.show;
let digest = page.dataset.digest;
let sending = 0;
let line = Promise.resolve();
let undoable = [];

const counts = { keep: 0, revoke: 0, abstain: 0, attention: 0, low: 0, done: new Map() };
const saved = new Map(); // what the server last said of each row
const turn = new WeakMap(); // grows when a row is rolled back: what was queued before is void
const dwell = new WeakMap();
const opened = new Set();
const panels = new Map();

const has = (row, mark) => row.dataset.f.includes(mark);
const nameOf = (row) => find(".nm", row).textContent;
const text = (pattern, ...values) => values.reduce((made, value) => made.replace("#", value), pattern);

// --- what stands on the page -------------------------------------------------------------------

for (const row of rows) {
  saved.set(row, { decision: row.dataset.d || "", reason: "", version: Number(row.dataset.v) });
  turn.set(row, 0);
}

function count() {
  Object.assign(counts, { keep: 0, revoke: 0, abstain: 0, attention: 0, low: 0 });
  counts.done.clear();
  for (const row of rows) tally(row, row.dataset.d, 1);
}

function tally(row, decision, by) {
  const group = row.parentElement.parentElement;
  if (decision) {
    counts[decision] += by;
    counts.done.set(group, (counts.done.get(group) || 0) + by);
    return;
  }
  if (has(row, "a")) counts.attention += by;
  if (has(row, "l")) counts.low += by;
}

function mark(row, decision) {
  const before = row.dataset.d || "";
  if (before === decision) return;
  tally(row, before, -1);
  tally(row, decision, 1);
  if (decision) row.dataset.d = decision;
  else delete row.dataset.d;
  if (decision) find("span", resultOf(row)).textContent = words[decision];
  const group = row.parentElement.parentElement;
  find("[data-n]", group).textContent = counts.done.get(group) || 0;
}

function resultOf(row) {
  const made = find(".res", row);
  if (made) return made;
  row.append(find("#t-res").content.firstElementChild.cloneNode(true));
  const undoing = find(".res button", row);
  if (undoing && row !== current) undoing.tabIndex = -1;
  return find(".res", row);
}

let painting = 0;
function paint() {
  if (!painting) painting = requestAnimationFrame(draw);
}

const decided = find("#p-decided");
const split = find("#p-split");
const [kept, revoked] = all("#p-bar rect");
const numbers = { attention: find("#n-attention"), all: find("#n-all"), undecided: find("#n-undecided"), high: find("#n-high") };
const sign = find("#sign");
const low = find("#low");
const rail = find("#rail a[aria-current] .cnt");
const railBefore = rail ? Number(rail.firstChild.nodeValue.replace(/\D/g, "")) : 0;
const undecidedBefore = Number(numbers.undecided.textContent);

function draw() {
  painting = 0;
  const total = rows.length;
  const done = counts.keep + counts.revoke + counts.abstain;
  decided.textContent = done;
  split.textContent = `· ${words.split.replace("##", counts.revoke).replace("#", counts.keep)}`;
  kept.setAttribute("width", (100 * counts.keep) / total);
  revoked.setAttribute("x", (100 * counts.keep) / total);
  revoked.setAttribute("width", (100 * counts.revoke) / total);
  numbers.attention.textContent = counts.attention;
  numbers.all.textContent = total;
  numbers.undecided.textContent = total - done;
  if (low) {
    find("#n-low").textContent = counts.low;
    low.hidden = !counts.low;
  }
  if (rail) rail.firstChild.nodeValue = railBefore - undecidedBefore + total - done;
  if (!sign) return;
  if (done === total) sign.removeAttribute("aria-disabled");
  else sign.setAttribute("aria-disabled", "true");
  sign.title = "";
}

// --- one row is the current one: only its controls are in the tab order ----------------------------

const controls = (row) => row.querySelectorAll("a, button, input");
function tabbable(row, index) {
  row.tabIndex = index;
  for (const each of controls(row)) each.tabIndex = index;
}

function choose(row, { focus = true, scroll = true } = {}) {
  if (!row) return;
  if (current !== row) {
    if (current) {
      current.classList.remove("on");
      tabbable(current, -1);
      pause(current);
    }
    current = row;
    row.classList.add("on");
    tabbable(row, 0);
    resume(row);
    followed();
  }
  if (focus) row.focus({ preventScroll: true });
  if (scroll) requestAnimationFrame(() => current === row && intoView(row));
}

function intoView(row) {
  const box = row.getBoundingClientRect();
  const top = find(".wl-bar").getBoundingClientRect().bottom + 8;
  const bottom = innerHeight - 90;
  if (box.top < top) scrollBy(0, box.top - top);
  else if (box.bottom > bottom) scrollBy(0, Math.min(box.bottom - bottom, box.top - top));
}

function step(by) {
  const at = shown.indexOf(current);
  choose(shown[at < 0 ? 0 : at + by]);
}

function nextUndecided() {
  const at = shown.indexOf(current);
  const after = [...shown.slice(at + 1), ...shown.slice(0, Math.max(at, 0))];
  const next = after.find((row) => !row.dataset.d);
  if (next) choose(next);
  else if (!current.dataset.d) choose(current);
  else {
    say(words.last);
    if (counts.keep + counts.revoke + counts.abstain === rows.length) sign?.focus();
    else choose(current);
  }
}

function pause(row) {
  const kept = dwell.get(row);
  if (kept?.from) dwell.set(row, { spent: kept.spent + performance.now() - kept.from, from: 0 });
}

function resume(row) {
  dwell.set(row, { spent: dwell.get(row)?.spent || 0, from: performance.now() });
}

function dwelt(row) {
  const kept = dwell.get(row);
  if (!kept) return null;
  const spent = kept.spent + (kept.from ? performance.now() - kept.from : 0);
  return Math.min(Math.round(spent), LONGEST_DWELL_MS);
}

// --- talking to the server --------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || "");
    Object.assign(this, { status, problem });
  }
}

async function ask(address, options = {}) {
  const headers = { "HX-Request": "true", ...options.headers };
  let answer;
  try {
    answer = await fetch(address, { ...options, headers });
  } catch (error) {
    lineLost();
    throw error;
  }
  lineBack();
  if (!answer.ok && answer.status !== 304) {
    throw new Refused(answer.status, await answer.json().catch(() => ({})));
  }
  return answer;
}

const post = (address, body) =>
  ask(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
    body: JSON.stringify(body),
  }).then((answer) => answer.json());

const part = (address) => ask(address).then((answer) => answer.text());

/** Do one thing after the other, so that each knows the version that the one before has made. */
function inLine(work) {
  sending += 1;
  line = line.then(work).finally(() => (sending -= 1));
  return line;
}

function take(answer) {
  digest = answer.digest || digest;
  const byId = new Map(rows.map((row) => [row.dataset.id, row]));
  for (const [id, version, decision, reason] of answer.items) {
    const row = byId.get(id);
    if (row) keepSaved(row, version, decision, reason);
  }
}

function keepSaved(row, version, decision, reason) {
  saved.set(row, { version, decision: decision || "", reason: reason || "" });
  row.dataset.v = version;
  panels.delete(row.dataset.id);
}

/** Put rows back to what the server last said of them; what was queued for them is void. */
function rollBack(rows_) {
  for (const row of rows_) {
    turn.set(row, turn.get(row) + 1);
    mark(row, saved.get(row).decision);
  }
  paint();
}

function explain(error, unsaved) {
  if (!(error instanceof Refused)) return say(unsaved);
  if (error.status === 401) return say(words.ended);
  say(error.problem.current ? words.changed : `${words.refused} ${error.message}`);
}

/** Note what an item was changed to elsewhere, and say so at its row. */
function changedElsewhere(problem) {
  const row = problem.current && rows.find((each) => each.dataset.id === problem.current.id);
  if (!row) return;
  keepSaved(row, problem.current.version, problem.current.decision, problem.current.reason);
  find(".wy", row).textContent = words.changed;
  find(".wy", row).classList.add("news");
}

function send(moves) {
  const turns = moves.map(({ row }) => turn.get(row));
  return inLine(async () => {
    const live = moves.filter(({ row }, at) => turn.get(row) === turns[at]);
    if (!live.length) return false;
    try {
      const items = live.map(({ row, move, reason }) => ({
        id: row.dataset.id,
        decision: move,
        version: saved.get(row).version,
        reason: reason || null,
        dwell_ms: dwelt(row),
        is_viewed: opened.has(row.dataset.id),
      }));
      take(await post(`${here}/decisions`, { items }));
      if (live.some(({ row }) => row === current)) followed();
      return true;
    } catch (error) {
      if (error instanceof Refused) changedElsewhere(error.problem);
      rollBack(live.map(({ row }) => row));
      const isUndo = moves.some(({ isUndo: each }) => each);
      explain(error, isUndo ? words.notUndone : words.notSaved);
      if (error instanceof Refused && error.status !== 401) refresh(true);
      return false;
    }
  });
}

// --- deciding ----------------------------------------------------------------------------------------

function decide(chosen, move, reason = "") {
  const changed = chosen.filter((row) => (row.dataset.d || "") !== move);
  if (!isOpen || !changed.length) return;
  const before = changed.map((row) => ({
    row,
    decision: row.dataset.d || "",
    reason: saved.get(row).reason,
  }));
  for (const row of changed) mark(row, move);
  paint();
  undoable.push(before);
  const [first] = changed;
  const told =
    changed.length === 1
      ? `${words[move]}: ${nameOf(first)}`
      : text(words[move === "keep" ? "manyKeep" : "manyRevoke"], changed.length);
  say(told, () => undo(before));
  const moves = changed.map((row) => ({ row, move, reason }));
  send(moves).then((isSaved) => {
    if (!isSaved) undoable = undoable.filter((each) => each !== before);
  });
}

function undo(which = undoable.at(-1)) {
  if (!which || !undoable.includes(which)) return say(words.nothing);
  undoable = undoable.filter((each) => each !== which);
  back(which, () => undoable.push(which));
}

/** Put rows back to what they were before a decision; if that cannot be saved, the decision stands. */
function back(before, otherwise) {
  const alive = before.filter(({ row }) => row.isConnected);
  if (!alive.length) return;
  for (const { row, decision } of alive) mark(row, decision);
  paint();
  choose(alive[0].row);
  say(words.back);
  const moves = alive.map(({ row, decision, reason }) => ({
    row,
    move: decision || "undo",
    reason: decision === "revoke" ? reason : "",
    isUndo: true,
  }));
  send(moves).then((isSaved) => isSaved || otherwise());
}

function undoRow(row) {
  undoable = undoable
    .map((each) => each.filter((one) => one.row !== row))
    .filter((each) => each.length);
  const stands = { row, decision: row.dataset.d, reason: saved.get(row).reason };
  back([{ row, decision: "", reason: "" }], () => undoable.push([{ ...stands, decision: "" }]));
}

/** Ask why, in the row itself or below the ticked ones, and revoke. */
function revoke(host, chosen) {
  if (!isOpen || !chosen.length) return;
  find(".rv")?.remove();
  const form = find("#t-why").content.firstElementChild.cloneNode(true);
  for (const chip of all("[data-if]", form)) {
    if (!chosen.every((row) => has(row, chip.dataset.if))) chip.remove();
  }
  host.append(form);
  const field = find("textarea", form);
  const leave = () => {
    form.remove();
    choose(chosen[0]);
  };
  const go = () => {
    const reason = field.value.trim();
    if (!reason && page.dataset.reason === "yes") {
      find(".error", form).hidden = false;
      field.setAttribute("aria-invalid", "true");
      return field.focus();
    }
    form.remove();
    decide(chosen, "revoke", reason);
    clearTicks();
    nextUndecided();
  };
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-c]");
    if (chip) {
      field.value = chip.dataset.c;
      field.focus();
    } else if (event.target.closest("[data-x]")) leave();
    else if (event.target.closest("[data-go]")) go();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) go();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.focus();
}

// --- ticking for a decision on several --------------------------------------------------------------

const picked = find("#picked");
const ticked = () => rows.filter((row) => find(".ck", row)?.checked);

function drawTicks() {
  const many = ticked().length;
  picked.hidden = !many;
  document.body.classList.toggle("picking", many > 0);
  find("#n-picked").textContent = text(words.picked, many);
}

function clearTicks() {
  for (const row of ticked()) find(".ck", row).checked = false;
  drawTicks();
}

function tick(row) {
  const box = row && find(".ck", row);
  if (!box) return;
  box.checked = !box.checked;
  drawTicks();
}

// --- the panel beside the list, and the sheet on a phone ---------------------------------------------

const panelOf = (id) => {
  if (!panels.has(id)) {
    const asked = part(`${here}/items/${id}?part=1`);
    panels.set(id, asked);
    asked.catch(() => panels.delete(id));
  }
  return panels.get(id);
};

let fresh = Boolean(side.dataset.item); // the first one came with the page
if (fresh) panels.set(side.dataset.item, Promise.resolve(side.innerHTML));

const hasSide = () => getComputedStyle(side).display !== "none";
let following;
function followed() {
  clearTimeout(following);
  const row = current;
  following = setTimeout(async () => {
    if (!hasSide()) return;
    const id = row.dataset.id;
    try {
      const made = await panelOf(id);
      if (current !== row) return;
      if (side.dataset.item !== id || !fresh) side.innerHTML = made;
      fresh = false;
      side.dataset.item = id;
      opened.add(id);
    } catch {
      if (current === row) side.replaceChildren(say_(words.unread));
    }
  }, PANEL_MS);
}

function say_(message) {
  const made = document.createElement("p");
  made.className = "body sub small";
  made.textContent = message;
  return made;
}

function openSheet(html, label, from) {
  hold.innerHTML = html;
  const title = find("h2", hold);
  sheet.setAttribute("aria-label", title ? title.textContent : label);
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
  sheet.addEventListener("close", () => from?.isConnected && from.focus(), { once: true });
}

async function details(row, from = row) {
  try {
    const made = await panelOf(row.dataset.id);
    const close = find("#dlg-help footer").outerHTML;
    openSheet(`<div class="ctx alone">${made}</div>${close}`, nameOf(row), from);
    opened.add(row.dataset.id);
  } catch {
    say(words.unread);
  }
}

// --- handing over ---------------------------------------------------------------------------------------

async function handOver(chosen) {
  const open = chosen.filter((row) => !row.dataset.d);
  if (!isOpen || !chosen.length) return;
  if (!open.length) return say(words.decided);
  const ids = open.map((row) => row.dataset.id).join(",");
  try {
    await line;
    openSheet(await part(`${here}/hand-over?part=1&items=${ids}`), "", open[0]);
  } catch (error) {
    return explain(error, words.unread);
  }
  const form = find("form", hold);
  const field = find("#who-live", hold);
  find(".find-who", hold).hidden = false;
  field.focus();
  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      try {
        find(".people", hold).innerHTML = await part(`${here}/people?q=${encodeURIComponent(field.value)}`);
      } catch {
        say(words.unread);
      }
    }, 150);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const given = new FormData(form);
    if (!given.get("reviewer")) return field.focus();
    try {
      const answer = await post(`${here}/handed-over`, {
        items: open.map((row) => row.dataset.id),
        reviewer: given.get("reviewer"),
        reason: given.get("reason"),
      });
      sheet.close();
      say(`${words.handed}: ${open.length === 1 ? nameOf(open[0]) : open.length}`);
      if (!answer.left) return location.assign("/reviews");
      leave(open);
      refresh(true);
    } catch (error) {
      wrong(form, error);
    }
  });
}

/** Say in a form why it was not saved; what was typed stays. */
function wrong(form, error) {
  const problem = error instanceof Refused ? error.problem : null;
  const told = find(".refusal", form) || document.createElement("p");
  told.className = "error refusal";
  told.setAttribute("role", "alert");
  told.textContent = problem
    ? [words.refused, ...(problem.errors || [{ message: problem.detail }]).map((each) => each.message)].join(" ")
    : words.notSaved;
  find(".body", form).append(told);
  told.scrollIntoView({ block: "nearest" });
}

/** Take rows out of the list: they are somebody else's now. */
function leave(gone) {
  const at = shown.indexOf(gone[0]);
  for (const row of gone) {
    const group = row.parentElement.parentElement;
    row.remove();
    if (!find(".it", group)) group.remove();
  }
  rows = rows.filter((row) => row.isConnected);
  shown = shown.filter((row) => row.isConnected);
  undoable = undoable
    .map((each) => each.filter(({ row }) => row.isConnected))
    .filter((each) => each.length);
  count();
  paint();
  drawTicks();
  if (!current?.isConnected) {
    current = null;
    choose(shown[Math.min(Math.max(at, 0), shown.length - 1)]);
  }
}

// --- keeping what is low-risk ------------------------------------------------------------------------------

async function keepLowRisk() {
  const from = performance.now();
  try {
    await line;
    const { sample } = await post(`${here}/samples`, {});
    openSheet(await part(`${here}/low-risk/${sample}?part=1`), "", low);
  } catch (error) {
    explain(error, words.unread);
    if (error instanceof Refused) refresh(true);
    return;
  }
  const form = find("form", hold);
  const go = find("[data-go]", form);
  const asked = all(".yes-no", form);
  const items = all("input[name=item]", form).map((each) => each.value.split(":"));
  const answers = () =>
    all("input[type=radio]:checked", form).map((each) => ({
      id: each.name.slice("answer-".length),
      answer: each.value,
    }));
  const redraw = () => {
    const given = answers();
    const unsure = given.filter((each) => each.answer === "unsure").length;
    const left = items.length - unsure;
    find("[data-count]", form).textContent = form.dataset.done
      .replace("##", asked.length)
      .replace("#", given.length);
    go.disabled = given.length < asked.length;
    go.textContent = left ? form.dataset.label.replace("#", left) : form.dataset.none;
  };
  form.addEventListener("change", redraw);
  redraw();
  find("input[type=radio]", form).focus();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const given = answers();
    if (given.length < asked.length) return;
    const unsure = new Set(given.filter((each) => each.answer === "unsure").map((each) => each.id));
    const wanted = items.filter(([id]) => !unsure.has(id));
    go.disabled = true;
    try {
      const answer = await post(`${here}/kept`, {
        sample: form.dataset.sample,
        answers: given,
        items: wanted.map(([id, version]) => ({ id, version: Number(version) })),
        dwell_ms: Math.min(Math.round(performance.now() - from), LONGEST_DWELL_MS),
      });
      sheet.close();
      const ids = new Set(wanted.map(([id]) => id));
      const chosen = rows.filter((row) => ids.has(row.dataset.id));
      const before = chosen.map((row) => ({ row, decision: row.dataset.d || "", reason: "" }));
      take(answer);
      for (const row of chosen) mark(row, "keep");
      for (const row of rows.filter((each) => unsure.has(each.dataset.id))) doubt(row);
      paint();
      if (!before.length) return;
      undoable.push(before);
      say(text(words.manyKeep, before.length), () => undo(before));
    } catch (error) {
      go.disabled = false;
      wrong(form, error);
    }
  });
}

/** What the reviewer was not sure of needs a decision of its own. */
function doubt(row) {
  if (!row.dataset.d) tally(row, "", -1);
  row.dataset.f = `${row.dataset.f.replaceAll("l", "").replaceAll("a", "")}a`;
  if (!row.dataset.d) tally(row, "", 1);
  panels.delete(row.dataset.id);
}

// --- the end -------------------------------------------------------------------------------------------------

async function signOff() {
  const left = rows.length - counts.keep - counts.revoke - counts.abstain;
  if (left) {
    say(text(words.wait, left));
    return filter("undecided");
  }
  try {
    await line;
    openSheet(await part(`${here}/sign-off?part=1`), "", sign);
  } catch (error) {
    explain(error, words.unread);
  }
}

// --- filters ---------------------------------------------------------------------------------------------------

const field = find("#q");
const texts = new WeakMap();
const none = find("#none");
const calm = find("#calm");

function fits(row) {
  if (show === "attention") return has(row, "a") && !row.dataset.d;
  if (show === "high") return has(row, "h");
  return show === "all" || !row.dataset.d;
}

function holds(row, wanted) {
  if (!wanted.length) return true;
  if (!texts.has(row)) {
    const group = row.parentElement.parentElement;
    const about = `${group.dataset.q} ${nameOf(row)} ${find(".ds", row).textContent}`;
    texts.set(row, about.toLowerCase());
  }
  return wanted.every((word) => texts.get(row).includes(word));
}

function filter(wanted = show) {
  show = wanted;
  const typed = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const row of rows) {
    const isShown = fits(row) && holds(row, typed);
    if (row.hidden === isShown) row.hidden = !isShown;
    const group = row.parentElement.parentElement;
    groups.set(group, groups.get(group) || isShown);
  }
  for (const [group, isShown] of groups) if (group.hidden === isShown) group.hidden = !isShown;
  shown = rows.filter((row) => !row.hidden);
  for (const chip of all(".chip[data-show]")) {
    if (chip.dataset.show === show) chip.setAttribute("aria-current", "true");
    else chip.removeAttribute("aria-current");
  }
  emptied(typed.length > 0);
  if (!shown.includes(current)) choose(shown[0], { focus: false, scroll: false });
  const query = new URLSearchParams(location.search);
  query.set("show", show);
  if (field.value.trim()) query.set("q", field.value.trim());
  else query.delete("q");
  history.replaceState(null, "", `?${query}`);
  for (const each of all(".seg a")) {
    const address = new URL(each.href);
    address.searchParams.set("show", show);
    each.href = address;
  }
}

function emptied(isTyped) {
  const isCalm = show === "attention" && !isTyped && !shown.length;
  calm.hidden = !isCalm;
  none.hidden = shown.length > 0 || isCalm;
  find(".it.head").hidden = !shown.length;
  side.classList.toggle("away", !shown.length);
}

// --- what happened in another window ------------------------------------------------------------------------------

let lastTouch = Date.now();
let isOver = false;

function news(message) {
  moved.hidden = false;
  find("div", moved).textContent = message;
}

async function refresh(isQuiet = false) {
  if (isOver || (sending && !isQuiet)) return;
  let answer;
  try {
    answer = await ask(`${here}/state`, {
      headers: { Accept: "application/json", "If-None-Match": `"${digest}"` },
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof Refused && error.status === 404) {
      isOver = true;
      news(words.over);
    } else if (error instanceof Refused && error.status === 401) {
      isOver = true;
      news(words.ended);
    }
    return;
  }
  if (answer.status === 304) return;
  const body = await answer.json();
  if (sending && !isQuiet) return;
  digest = (answer.headers.get("ETag") || "").replaceAll('"', "").replace("W/", "");
  compare(body.items, isQuiet);
}

function compare(items, isQuiet) {
  const byId = new Map(rows.map((row) => [row.dataset.id, row]));
  let changed = 0;
  let came = 0;
  for (const [id, version, decision, reason] of items) {
    const row = byId.get(id);
    byId.delete(id);
    if (!row) came += 1;
    else if (saved.get(row).version !== version) {
      keepSaved(row, version, decision, reason);
      turn.set(row, turn.get(row) + 1);
      mark(row, decision || "");
      changed += 1;
      if (row === current) followed();
    }
  }
  const gone = [...byId.values()];
  if (gone.length) leave(gone);
  paint();
  if (came) news(words.came);
  else if (gone.length) news(text(words.left, gone.length));
  else if (changed && !isQuiet) news(words.elsewhere);
}

addEventListener("focus", () => refresh());
addEventListener("online", () => refresh());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    if (current) pause(current);
  } else {
    if (current) resume(current);
    refresh();
  }
});
for (const kind of ["keydown", "pointerdown"]) {
  addEventListener(kind, () => (lastTouch = Date.now()), { passive: true });
}
setInterval(() => {
  if (!document.hidden && Date.now() - lastTouch < AWAKE_MS) refresh();
}, POLL_MS);

// --- hands -----------------------------------------------------------------------------------------------------------

list.addEventListener("submit", (event) => event.preventDefault());

list.addEventListener("click", (event) => {
  const row = event.target.closest(".it[data-id]");
  const button = event.target.closest("button[name=do], [data-act]");
  if (event.target.closest(".rv")) return;
  if (!row) {
    if (button) {
      event.preventDefault();
      onPicked(button);
    }
    return;
  }
  if (event.target.closest(".ck")) {
    choose(row, { focus: false, scroll: false });
    drawTicks();
    return;
  }
  if (event.target.closest("[data-info]")) {
    choose(row, { focus: false, scroll: false });
    details(row, event.target.closest("[data-info]"));
    return;
  }
  const link = event.target.closest("a");
  if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  if (link || button) event.preventDefault();
  choose(row, { focus: !button, scroll: false });
  if (link && !hasSide()) details(row);
  const move = button?.value.split(":")[0];
  if (move === "keep") {
    decide([row], "keep");
    find(".res button", row)?.focus();
  } else if (move === "revoke") revoke(row, [row]);
  else if (move === "undo") undoRow(row);
});

function onPicked(button) {
  const chosen = ticked();
  if (button.dataset.act === "clear") {
    clearTicks();
    choose(current);
  } else if (button.value === "keep") {
    clearTicks();
    decide(chosen, "keep");
    nextUndecided();
  } else if (button.value === "revoke") revoke(picked, chosen);
  else {
    clearTicks();
    handOver(chosen);
  }
}

list.addEventListener("focusin", (event) => {
  const row = event.target.closest(".it[data-id]");
  if (row && row !== current) choose(row, { focus: false, scroll: false });
});

for (const chip of all(".chip[data-show]")) {
  chip.addEventListener("click", (event) => {
    event.preventDefault();
    filter(chip.dataset.show);
  });
}
let typing;
field.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => filter(), 80);
});
field.form.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
  choose(shown[0]);
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  field.value = "";
  filter();
  choose(current || shown[0]);
});
low?.addEventListener("click", (event) => {
  event.preventDefault();
  keepLowRisk();
});
sign?.addEventListener("click", (event) => {
  event.preventDefault();
  signOff();
});
sheet.addEventListener("click", (event) => {
  if (event.target.closest("a[data-close]")) {
    event.preventDefault();
    sheet.close();
  }
});

/** What a key is about: what is ticked, else the current row. */
const meant = () => (ticked().length ? ticked() : shown.filter((row) => row === current));

const keys = {
  j: () => step(1),
  k: () => step(-1),
  n: nextUndecided,
  a: () => {
    const chosen = meant();
    if (!chosen.length) return;
    clearTicks();
    decide(chosen, "keep");
    nextUndecided();
  },
  r: () => revoke(ticked().length ? picked : current, meant()),
  u: () => undo(),
  x: () => tick(current),
  d: () => handOver(meant()),
  "?": () => find("#help").click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || sheet.open) return;
  const isInList = list.contains(event.target);
  const arrow = { ArrowDown: keys.j, ArrowUp: keys.k }[event.key];
  const key = page.dataset.keys === "on" ? keys[event.key.toLowerCase()] : null;
  const work = isInList && event.target.type !== "radio" && arrow ? arrow : key;
  if (!work) return;
  event.preventDefault();
  work();
});

// --- begin --------------------------------------------------------------------------------------------------------------

function addDetails() {
  if (hasSide() || find("[data-info]", list)) return;
  for (const row of rows) {
    const button = find("#t-mo").content.firstElementChild.cloneNode(true);
    button.setAttribute("aria-label", `${words.details}: ${nameOf(row)}`);
    if (row !== current) button.tabIndex = -1;
    find(".ac", row)?.append(button);
  }
}
addDetails();
addEventListener("resize", addDetails);

for (const each of list.querySelectorAll("a, button, input")) {
  if (!picked.contains(each)) each.tabIndex = -1;
}
for (const row of rows) row.tabIndex = -1;
for (const each of all("[data-act]", picked)) each.hidden = false;
count();
drawTicks();
draw();
emptied(Boolean(field.value));
choose(shown[0], { focus: false, scroll: false });
