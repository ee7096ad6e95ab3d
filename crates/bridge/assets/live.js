// Keeps a page true: when the server says that it has changed, the page asks again and takes over what
// differs. Focus, open details, scroll position and typed text stay.
(() => {
  'use strict';
  const POLL = 30_000, CALM = 1_000, FRESH = 2_000;
  const byId = (id) => document.getElementById(id);
  const main = byId('main'), live = byId('live'), topic = document.body.dataset.live;
  const trust = window.trustedTypes?.createPolicy('tidegate', { createHTML: (text) => text });
  let trueAt = new Date();

  let quiet;
  function say(text) {
    byId('say').textContent = text;
    clearTimeout(quiet);
    quiet = setTimeout(say, 8_000, '');
  }
  function state(name) {
    live.dataset.state = name;
    const since = trueAt.toLocaleTimeString('en-GB');
    const word = { live: 'Live', lost: `Reconnecting, true as of ${since}.`, off: `Not live, true as of ${since}.` };
    live.querySelector('span').textContent = word[name];
  }

  const key = (node) => node.dataset?.key || node.id || '';
  const same = (a, b) => !key(a) && a.nodeName === b.nodeName && a.classList?.value === b.classList?.value;
  function morph(old, fresh) {
    if (old.nodeType !== 1) { if (old.data !== fresh.data) old.data = fresh.data; return; }
    if (old.dataset.v && old.dataset.v !== fresh.dataset.v) old.dataset.changed = Date.now();
    const mine = (name) => name === 'data-changed' || (name === 'open' && old.localName === 'details');
    for (const { name } of [...old.attributes]) if (!mine(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (!mine(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.localName === 'textarea') return;
    const atEnd = old.dataset.tail === '' && old.scrollTop + old.clientHeight >= old.scrollHeight - 4;
    const known = new Map(), wanted = new Set([...fresh.children].map(key));
    for (const child of [...old.children]) {
      if (child.dataset.gone || !key(child)) continue;
      if (wanted.has(key(child))) known.set(key(child), child); else leave(child, fresh);
    }
    let at = old.firstChild;
    const skip = () => { while (at?.dataset?.gone) at = at.nextSibling; };
    for (const next of [...fresh.childNodes]) {
      skip();
      const k = next.nodeType === 1 ? key(next) : '';
      let match = k ? known.get(k) : at;
      // What comes between has gone; text is too alike.
      if (!k) while (match && !same(match, next)) match = next.nodeType === 1 ? match.nextSibling : null;
      if (!k && match) while (at !== match) { const gone = at; at = at.nextSibling; gone.remove(); }
      if (!match) old.insertBefore(document.importNode(next, true), at);
      else { if (match === at) at = at.nextSibling; else old.insertBefore(match, at); morph(match, next); }
    }
    for (skip(); at; skip()) { const gone = at; at = at.nextSibling; gone.remove(); }
    if (atEnd) old.scrollTop = old.scrollHeight;
  }
  // A card that somebody else settled keeps its place: nothing moves under a finger.
  function leave(child, fresh) {
    if (!child.matches('.card')) return child.remove();
    const row = fresh.ownerDocument.querySelector(`[data-decided="${CSS.escape(key(child))}"]`);
    const line = document.createElement('p'), button = document.createElement('button');
    line.textContent = row?.dataset.line ?? 'Closed.';
    button.textContent = 'Dismiss';
    button.onclick = () => child.remove();
    child.style.minHeight = child.offsetHeight + 'px';
    child.dataset.gone = 'yes';
    child.removeAttribute('data-card');
    child.className = 'card gone';
    child.replaceChildren(line, button);
    say(line.textContent);
  }

  let busy = false, again = false;
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const url = new URL(location.href);
      url.searchParams.set('part', 'main');
      const answer = await fetch(url, { redirect: 'manual' });
      if (answer.type === 'opaqueredirect') { stop(); say('You are signed out.'); return; }
      if (!answer.ok) throw answer;
      const text = await answer.text();
      const page = new DOMParser().parseFromString(trust ? trust.createHTML(text) : text, 'text/html');
      const fresh = page.getElementById('main');
      morph(main, fresh);
      const waiting = main.dataset.waiting, count = byId('count');
      document.title = (waiting > 0 ? `(${waiting}) ` : '') + main.dataset.title;
      count.textContent = waiting;
      count.hidden = !(waiting > 0);
      trueAt = new Date();
      document.dispatchEvent(new Event('swapped'));
      state(source?.readyState === 1 ? 'live' : 'lost');
    } catch { state('lost'); } finally {
      setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, CALM);
    }
  }

  let source, timer;
  function stop() { source?.close(); source = null; clearTimeout(timer); state('off'); }
  function connect() {
    source?.close();
    clearTimeout(timer);
    source = new EventSource(`/bridge/live?${topic}`);
    // It does not tell what happened before.
    for (const name of ['open', 'changed', 'reset']) source.addEventListener(name, refresh);
    source.onerror = () => {
      state('lost');
      clearTimeout(timer);
      timer = setTimeout(() => { refresh(); connect(); }, source?.readyState === 2 ? POLL / 6 : POLL);
    };
  }
  for (const log of main.querySelectorAll('[data-tail]')) log.scrollTop = log.scrollHeight;
  // What just changed is unread.
  document.addEventListener('submit', (event) => {
    const card = event.target.closest('[data-changed]');
    if (card && Date.now() - card.dataset.changed < FRESH) {
      event.preventDefault();
      say('Not sent: this changed just now. Look again.');
    }
  });
  if (!topic) return;
  // Browsers allow few connections to one server.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { source?.close(); clearTimeout(timer); state('lost'); } else connect();
  });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  if (!document.hidden) connect();
})();
