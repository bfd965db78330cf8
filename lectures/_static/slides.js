/* A lecture's page as slides for the room: the same text, formulas and figures, packed onto screens of 16:9.

   "#slides" behind the page's address opens them; nothing is loaded. Arrow keys, Page Up and Down, Space, Home and End
   turn them (an answer unfolds before the next slide comes), F fills the screen, Escape goes back to the page. Printing
   them makes a handout, a slide a page. Code is left to the page, unless the text announces it. */
"use strict";

const FORWARD = ["ArrowRight", "ArrowDown", "PageDown", " "];
const BACK = ["ArrowLeft", "ArrowUp", "PageUp", "Backspace"];
const FIGURE = [430, 395, 360]; // heights in pixels, tried in this order: a figure's labels are to be read
const SMALLEST = 0.6; // of the usual size of text; what is larger still scrolls

/** The blocks of a page in reading order: headings, paragraphs, lists, formulas, figures, tables, quizzes. */
function blocksOf(section) {
  return [...section.children].flatMap((child) => (child.tagName === "SECTION" ? blocksOf(child) : [child]));
}

/** "For one sample:" and "Hence" want what follows them on the same slide. */
const announces = (block) => block.tagName === "P" && !/[.?!)]\s*$/.test(block.textContent);

/** The caption and the text that goes on behind it, each a paragraph. */
function captionOf(paragraph) {
  if (paragraph.tagName !== "P" || !/^Figure \d/.test(paragraph.firstElementChild?.textContent ?? "")) return null;
  const caption = document.createElement("p");
  caption.append(paragraph.firstElementChild);
  return paragraph.textContent.trim() ? [caption, paragraph] : [caption];
}

/** Copies of the blocks as a slide shows them; blocks that belong together stand in one list. */
function groupsOf(article) {
  const groups = [];
  let last = article;
  for (const block of blocksOf(article.querySelector("section"))) {
    const announced = announces(last);
    if (block.matches(".to-slides, .toctree-wrapper, span")) continue;
    const copy = block.cloneNode(true);
    copy.querySelectorAll(".headerlink, .copybtn").forEach((e) => e.remove());
    [copy, ...copy.querySelectorAll("[id]")].forEach((e) => e.removeAttribute("id"));
    if (block.matches(".cell")) {
      const output = copy.querySelector(".cell_output");
      if (!output && !announced) continue;
      if (output) copy.replaceChildren(output);
    }
    const caption = captionOf(copy);
    if (caption) {
      groups.at(-1).push(caption[0]);
      if (caption[1]) groups.push([caption[1]]);
    } else if (announced || (block.matches("details") && last.matches(".admonition"))) groups.at(-1).push(copy);
    else groups.push([copy]);
    last = block;
  }
  return groups;
}

function shrink(element, isTooLarge, smallest = SMALLEST) {
  for (let size = 0.95; size >= smallest && isTooLarge(); size -= 0.05) element.style.fontSize = `${size}em`;
}

/** Put the groups onto slides of a stage, each as full as it goes, a new one at every heading. */
function pack(groups, stage) {
  const slides = [];
  let heading = null;
  let body = null;

  function begin() {
    const slide = document.createElement("section");
    slide.append(heading.cloneNode(true));
    body = document.createElement("div");
    body.className = "body";
    slide.append(body);
    stage.append(slide);
    slides.push(slide);
  }

  const isFull = () => body.scrollHeight > body.clientHeight + 1;
  const isTooWide = (block) => [block, ...block.querySelectorAll("table, mjx-container, pre")].some(
    (e) => e.scrollWidth > body.clientWidth + 1);

  /** Whether this slide has room for a group, if need be with a smaller figure. */
  function fits(group) {
    body.append(...group);
    group.forEach((block) => shrink(block, () => isTooWide(block)));
    const figures = group.flatMap((block) => [...block.querySelectorAll(".cell_output img")]);
    for (const height of FIGURE) {
      figures.forEach((figure) => (figure.style.maxHeight = `${height}px`));
      if (!isFull()) return true;
    }
    group.forEach((block) => block.remove());
    return false;
  }

  /** Take the last rows of a list or table that do not fit on this slide off it, and return them as one. */
  function rowsThatDoNotFit(block) {
    const rowsOf = (e) => (e.matches("ul, ol") ? e : e.querySelector("tbody"));
    const rows = rowsOf(block);
    if (!rows || rows.children.length < 2) return null;
    const rest = block.cloneNode(true);
    rowsOf(rest).replaceChildren();
    while (isFull() && rows.children.length > 1) rowsOf(rest).prepend(rows.lastElementChild);
    if (block.matches("ol")) rest.start = block.start + rows.children.length;
    return rest;
  }

  function put(group) {
    if (fits(group)) return;
    const before = body;
    if (body.childElementCount) {
      begin();
      if (fits(group)) return;
    }
    if (group.length > 1) {
      if (before !== body) slides.pop().remove();
      body = before;
      put(group.slice(0, 1));
      put(group.slice(1));
      return;
    }
    body.append(...group);
    shrink(body, isFull, 0.85); // before a slide is made for a last line
    if (!isFull()) return;
    body.style.fontSize = "";
    const rest = rowsThatDoNotFit(group[0]);
    if (rest) put([rest]);
    else shrink(body, isFull);
  }

  for (const group of groups) {
    if (/^H[1-6]$/.test(group[0].tagName)) {
      heading = group.shift();
      begin();
      slides.at(-1).classList.toggle("title", heading.tagName === "H1");
    }
    if (group.length) put(group);
  }
  return slides.filter((slide) => slide.matches(".title") || slide.lastElementChild.childElementCount);
}

let slides = null; // made when they are first wanted
let deck = null;
let now = 0;

function make() {
  const article = document.querySelector("article");
  deck = document.createElement("div");
  deck.id = "deck";
  deck.innerHTML = '<article></article><nav><button aria-label="Back">‹</button> <output></output> ' +
    '<button aria-label="On">›</button></nav>';
  document.body.append(deck);
  document.body.classList.add("slides", "packing");
  const stage = deck.querySelector("article");
  const groups = groupsOf(article);
  const answers = groups.flat().filter((block) => block.matches("details"));
  answers.forEach((answer) => (answer.open = true)); // a slide has room for its answers
  slides = pack(groups, stage);
  answers.forEach((answer) => (answer.open = false));
  stage.replaceChildren(...slides);
  const [back, on] = deck.querySelectorAll("button");
  back.onclick = () => turn(-1);
  on.onclick = () => turn(1);
  document.body.classList.remove("packing");
}

function show(number) {
  now = Math.max(0, Math.min(number, slides.length - 1));
  slides.forEach((slide, i) => slide.classList.toggle("now", i === now));
  deck.querySelector("output").value = `${now + 1} / ${slides.length}`;
  const hash = `#slides/${now + 1}`;
  if (location.hash !== hash) location.replace(hash);
}

/** One step on: first the answer on this slide, then the next slide. Back does not fold it again. */
function turn(step) {
  const folded = slides[now].querySelector("details:not([open])");
  if (step > 0 && folded) folded.open = true;
  else show(now + step);
}

function fit() {
  const scale = Math.min(window.innerWidth / 1280, window.innerHeight / 720);
  document.documentElement.style.setProperty("--slide-scale", scale);
}

async function follow() {
  const wanted = /^#slides(?:\/(\d+))?$/.exec(location.hash);
  document.body.classList.toggle("slides", Boolean(wanted));
  if (!wanted) return;
  await window.MathJax?.startup?.promise;
  if (!slides) make();
  fit();
  show((wanted[1] ?? 1) - 1);
}

function leave() {
  location.hash = "";
  follow();
}

function press(event) {
  if (!slides || !document.body.matches(".slides") || event.ctrlKey || event.altKey || event.metaKey) return;
  const forward = FORWARD.includes(event.key) && !event.shiftKey;
  if (forward || BACK.includes(event.key) || event.key === " ") turn(forward ? 1 : -1);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(slides.length - 1);
  else if (event.key === "f") document.fullscreenElement ? document.exitFullscreen() : document.body.requestFullscreen();
  else if (event.key === "Escape") leave();
  else return;
  event.preventDefault();
  event.stopPropagation(); // the theme's keys turn pages
}

window.addEventListener("load", () => {
  document.querySelector("article h1").insertAdjacentHTML("afterend", '<p class="to-slides"><a href="#slides">Slides</a></p>');
  window.addEventListener("hashchange", follow);
  window.addEventListener("resize", fit);
  window.addEventListener("keydown", press, true);
  follow();
});
