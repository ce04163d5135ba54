// The page of user-streams, live. Everything it does works without it too, by links and forms.
// Items come as HTML that the server has escaped or sanitized; nothing else is made HTML here.

const page = document.documentElement;
const locale = page.lang || undefined;
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const dated = new Intl.DateTimeFormat(locale, { dateStyle: "long" });
const UNITS = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400],
  ["hour", 3600], ["minute", 60]];
const HIDDEN_MS = 60_000;
const SEEN_MS = 1_200;

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Times

function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : relative.format(0, "second");
}

function day(date) {
  const midnight = (of) => new Date(of.getFullYear(), of.getMonth(), of.getDate());
  const days = Math.round((midnight(date) - midnight(new Date())) / 86400_000);
  const text = Math.abs(days) < 2 ? relative.format(days, "day") : dated.format(date);
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}

function tellTimes(within = document) {
  for (const time of all("time.us-time", within)) {
    const date = new Date(time.dateTime);
    time.textContent = ago(date);
    time.title = exact.format(date);
  }
}

// What is said to those who hear the page

const aloud = document.createElement("div");
aloud.className = "us-aloud";
aloud.setAttribute("aria-live", "polite");
document.body.append(aloud);
let said = [];

function say(text) {
  if (said.push(text) === 1) {
    setTimeout(() => {
      aloud.textContent = said.length > 3 ? `${said.length} new items` : said.join(". ");
      said = [];
    }, 800);
  }
}

// Requests

async function get(url) {
  const response = await fetch(url, { cache: "no-cache", headers: { accept: "application/json, text/html" } });
  // Whoever is led elsewhere, as to where one logs in, has got nothing of this.
  if (!response.ok || response.redirected) throw new Error(`${url}: ${response.status}`);
  return response;
}

async function post(url, body = {}) {
  const response = await fetch(url, {
    method: "POST",
    keepalive: true,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// A stream of events. It ends while nobody looks at the page, and goes on where it was.

class Live {
  constructor(base, after, items, told) {
    Object.assign(this, { base, after, items, told, failures: 0 });
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timer);
      if (document.hidden) this.timer = setTimeout(() => this.close(), HIDDEN_MS);
      else this.open();
    });
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    this.open();
  }

  open() {
    if (this.source) return;
    const parameters = new URLSearchParams({ items: this.items });
    if (this.after) parameters.set("after", this.after);
    const source = new EventSource(`${this.base}/events?${parameters}`);
    this.source = source;
    source.addEventListener("hello", () => {
      if (this.greeted) this.told.again();
      [this.greeted, this.failures] = [true, 0];
    });
    source.addEventListener("item", (event) => {
      if (event.lastEventId) this.after = event.lastEventId;
      this.told.item(JSON.parse(event.data));
    });
    source.addEventListener("hint", (event) => this.told.hint(JSON.parse(event.data).changed));
    source.addEventListener("error", () => {
      // The browser connects again by itself, unless it was refused.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.source = undefined;
      const pause = Math.min(5_000 * 2 ** this.failures++, 120_000) * (0.5 + Math.random());
      this.timer = setTimeout(() => document.hidden || this.open(), pause);
    });
  }

  close() {
    this.source?.close();
    this.source = undefined;
  }
}

// The bell

const title = document.querySelector("[data-us-title].us-main")?.dataset.usTitle;
const shown = (count, limit) => (count < limit ? String(count) : `${limit - 1}+`);

function ring(base, { unseen, unread, limit }) {
  for (const bell of all("[data-us-bell]").filter((bell) => bell.dataset.usBell === base)) {
    const badge = bell.querySelector(".us-badge");
    const before = badge.hidden ? 0 : Number.parseInt(badge.textContent, 10);
    badge.hidden = unseen === 0;
    badge.textContent = shown(unseen, limit);
    const name = bell.dataset.usTitle;
    bell.setAttribute("aria-label", unseen ? `${name}, ${badge.textContent} new` : name);
    if (unseen > before) {
      bell.classList.remove("us-rings");
      void bell.offsetWidth;
      bell.classList.add("us-rings");
    }
  }
  if (title) document.title = unseen ? `(${shown(unseen, limit)}) ${title}` : title;
  for (const count of all(".us-unread-count")) {
    count.textContent = unread ? `${shown(unread, limit)} unread` : "All read";
  }
  for (const button of all("form[data-us-do=read-all] button")) button.disabled = unread === 0;
}

// One request at a time, and one more if something has changed meanwhile. The next change asks
// again if it fails.
function inTurn(ask) {
  let isRunning = false;
  let isStale = false;
  return async () => {
    isStale = true;
    if (isRunning) return;
    isRunning = true;
    while (isStale) {
      isStale = false;
      await ask().catch(() => {});
    }
    isRunning = false;
  };
}

const counters = new Map();

function count(base) {
  const ask = async () => ring(base, await (await get(`${base}/counts`)).json());
  if (!counters.has(base)) counters.set(base, inTurn(ask));
  counters.get(base)();
}

// The items

class Feed {
  constructor(element) {
    this.element = element;
    this.base = element.dataset.usFeed;
    this.next = element.dataset.usNext;
    this.waiting = 0;
    const ask = inTurn(() => this.ask());
    this.refresh = () => (count(this.base), ask());
    tellTimes(element);
    this.tellDays();
    document.addEventListener("submit", (event) => this.submitted(event));
    element.addEventListener("keydown", (event) => this.pressed(event));
    element.addEventListener("click", (event) => this.followed(event));
    setInterval(() => document.hidden || tellTimes(element), 30_000);
    // A numbered page further back is one to read, and stays as it is.
    if (!element.dataset.usAfter) {
      this.live = new Live(this.base, undefined, "none", this.counting());
      return;
    }
    page.classList.add("us-endless");
    this.live = new Live(this.base, element.dataset.usAfter, "html", {
      item: (item) => this.came(item),
      hint: () => this.refresh(),
      again: () => this.refresh(),
    });
    this.endless();
    document.addEventListener("visibilitychange", () => this.seen());
    addEventListener("scroll", () => scrollY < 100 && this.looked(), { passive: true });
    this.seen();
  }

  counting() {
    const again = () => count(this.base);
    return { item: again, hint: again, again };
  }

  articles() {
    return all(".us-item", this.element);
  }

  // What has come slides in at its place.
  came({ html, cursor }) {
    if (document.getElementById(`us-${cursor}`)) return;
    const article = parsed(html);
    if (!this.put(article)) return;
    article.classList.add("us-arrives");
    article.addEventListener("animationend", (event) => {
      if (event.animationName === "us-glow") article.classList.remove("us-arrives");
    });
    say(article.querySelector(".us-text").textContent.trim());
    if (scrollY > 100) this.pill(this.waiting + 1);
    count(this.base);
    this.seen();
  }

  put(article) {
    const at = article.dataset.usAt;
    const articles = this.articles();
    const older = articles.find((other) => other.dataset.usAt <= at);
    // What is below the last one comes when it is scrolled to.
    if (!older && this.next && articles.length) return false;
    if (older) older.before(article);
    else this.element.append(article);
    tellTimes(article);
    this.changed();
    return true;
  }

  changed() {
    this.tellDays();
    const articles = this.articles();
    articles.forEach((article, index) => {
      article.setAttribute("aria-posinset", index + 1);
      article.setAttribute("aria-setsize", this.next ? -1 : articles.length);
    });
    for (const empty of all(".us-empty")) empty.hidden = articles.length > 0;
    const newest = articles[0]?.dataset.usCursor;
    for (const field of all("form[data-us-do=read-all] [name=up_to]")) if (newest) field.value = newest;
  }

  tellDays() {
    let before = day(new Date());
    for (const article of this.articles()) {
      const of = day(new Date(article.dataset.usAt));
      if (of === before) delete article.dataset.usDay;
      else article.dataset.usDay = of;
      before = of;
    }
  }

  // The newest items once more, and what has gone of them goes. What comes or goes while they are
  // asked for is newer than the answer.
  async ask() {
    const articles = this.articles();
    const known = new Set(articles.map((article) => article.id));
    const list = parsed(await (await get(`${this.base}/list`)).text());
    const fresh = all(".us-item", list);
    const last = fresh.at(-1)?.dataset.usAt;
    const there = new Set(fresh.map((article) => article.id));
    for (const old of articles) {
      if (!there.has(old.id) && (!list.dataset.usNext || old.dataset.usAt > last)) old.remove();
    }
    for (const article of fresh) {
      const old = document.getElementById(article.id);
      if (!old && !known.has(article.id)) this.put(article);
      else if (old && old.classList.contains("us-unread") !== article.classList.contains("us-unread")) {
        this.replace(old, article);
      }
    }
    this.changed();
  }

  replace(old, article) {
    const hasFocus = old.contains(document.activeElement);
    old.replaceWith(article);
    tellTimes(article);
    if (hasFocus) (article.querySelector(".us-act") ?? article).focus({ preventScroll: true });
  }

  // What is on top of a page that is looked at has been seen.
  seen() {
    clearTimeout(this.seeing);
    if (document.hidden) return;
    this.seeing = setTimeout(() => {
      const newest = this.articles()[0]?.dataset.usCursor;
      const hasBadge = all("[data-us-bell] .us-badge").some((badge) => !badge.hidden);
      if (document.hidden || scrollY > 100 || !newest || (newest === this.newest && !hasBadge)) return;
      this.newest = newest;
      post(`${this.base}/seen`, { up_to: newest }).then(() => count(this.base)).catch(() => {});
    }, SEEN_MS);
  }

  looked() {
    this.pill(0);
    this.seen();
  }

  pill(waiting) {
    this.waiting = waiting;
    if (!waiting) {
      this.above?.remove();
      this.above = undefined;
      return;
    }
    if (!this.above) {
      this.above = document.createElement("button");
      this.above.className = "us-pill";
      this.above.type = "button";
      this.above.addEventListener("click", () => {
        const quick = matchMedia("(prefers-reduced-motion: reduce)").matches;
        scrollTo({ top: 0, behavior: quick ? "auto" : "smooth" });
        this.articles()[0]?.focus({ preventScroll: true });
      });
      document.body.append(this.above);
    }
    this.above.textContent = waiting === 1 ? "↑ 1 new item" : `↑ ${waiting} new items`;
  }

  // Older items, before they are reached.
  endless() {
    const below = document.createElement("div");
    below.className = "us-more-below";
    this.element.parentElement.querySelector(".us-empty").after(below);
    let isNear = false;
    let isBusy = false;
    const more = async () => {
      if (isBusy || !this.next || !isNear) return;
      isBusy = true;
      this.element.setAttribute("aria-busy", "true");
      below.textContent = "Loading…";
      try {
        const list = parsed(await (await get(`${this.base}/list?after=${this.next}`)).text());
        this.next = list.dataset.usNext;
        const older = all(".us-item", list).filter((article) => !document.getElementById(article.id));
        this.element.append(...older);
        older.forEach((article) => tellTimes(article));
        this.changed();
        below.textContent = this.next ? "" : "That is all";
        isBusy = false;
        requestAnimationFrame(more);
      } catch {
        isBusy = false;
        const button = document.createElement("button");
        button.className = "us-button";
        button.textContent = "Could not load more: try again";
        button.addEventListener("click", more);
        below.replaceChildren(button);
      }
      this.element.setAttribute("aria-busy", "false");
    };
    new IntersectionObserver(([entry]) => {
      isNear = entry.isIntersecting;
      more();
    }, { rootMargin: "800px" }).observe(below);
  }

  async submitted(event) {
    const form = event.target.closest("form[data-us-do]");
    if (!form) return;
    event.preventDefault();
    const upTo = form.elements.up_to?.value;
    const article = form.closest(".us-item");
    const isDismissed = form.dataset.usDo === "dismiss";
    try {
      if (isDismissed) this.leaves(article);
      await post(form.action, upTo ? { up_to: upTo } : {});
      if (isDismissed) this.offer(article, form.action.replace(/dismiss$/, "undismiss"));
    } catch {
      toast("That did not work: try again in a moment");
    }
    this.refresh();
  }

  leaves(article) {
    const articles = this.articles();
    const at = articles.indexOf(article);
    const neighbour = articles[at + 1] ?? articles[at - 1];
    if (article.contains(document.activeElement)) neighbour?.focus({ preventScroll: true });
    article.classList.add("us-leaves");
    setTimeout(() => article.classList.contains("us-leaves") && (article.remove(), this.changed()), 220);
  }

  offer(article, undo) {
    say("Dismissed");
    toast("Dismissed", "Undo", async () => {
      await post(undo);
      article.classList.remove("us-leaves");
      this.refresh();
    });
  }

  // Whoever follows an item's link has read it.
  followed(event) {
    const article = event.target.closest("a") && event.target.closest(".us-item.us-unread");
    const form = article?.querySelector("form[data-us-do=read]");
    if (form) post(form.action).catch(() => {});
  }

  // As the feed pattern of ARIA has it; j and k are for those who know them from elsewhere.
  pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { PageDown: 1, j: 1, PageUp: -1, k: -1 }[event.key];
    const article = event.target.closest(".us-item");
    if (!step || !article) return;
    const articles = this.articles();
    const other = articles[articles.indexOf(article) + step];
    if (!other) return;
    event.preventDefault();
    other.focus();
    other.scrollIntoView({ block: "nearest" });
  }
}

let lastToast;

function toast(text, action, done) {
  lastToast?.remove();
  const element = document.createElement("div");
  lastToast = element;
  element.className = "us-toast";
  element.setAttribute("role", "status");
  element.textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action;
    button.addEventListener("click", () => (element.remove(), done().catch(() => {})));
    element.append(button);
  }
  document.body.append(element);
  setTimeout(() => element.remove(), 8_000);
}

// Parts that a page asks for: <div data-us-part="/feed/bell"></div>

async function start() {
  await Promise.all(all("[data-us-part]").map(async (part) => {
    try {
      part.replaceWith(parsed(await (await get(part.dataset.usPart)).text()));
    } catch { /* The page stands without it. */ }
  }));
  const feeds = all("[data-us-feed]").map((element) => new Feed(element));
  const followed = new Set(feeds.map((feed) => feed.base));
  for (const base of new Set(all("[data-us-bell]").map((bell) => bell.dataset.usBell))) {
    if (followed.has(base)) continue;
    const again = () => count(base);
    new Live(base, undefined, "none", { item: again, hint: again, again });
  }
  tellTimes();
}

start();
