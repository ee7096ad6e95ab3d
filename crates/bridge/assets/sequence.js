// The page of a delivery: moves the line of now, finds in logs, copies, and walks the rows by keys.
(() => {
  'use strict';
  const main = document.getElementById('main'), root = document.documentElement;
  const all = (what, where = main) => [...where.querySelectorAll(what)];
  const { parse, say } = window.tide;
  root.classList.add('scripted');

  // Time. The server's clock decides; this one may be wrong.
  let ahead = 0;
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const span = (ms) => {
    const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (ms < 1000) return `${Math.max(ms, 0)} ms`;
    if (m < 1) return `${s} s`;
    if (h < 1) return m < 10 && s % 60 ? `${m} min ${s % 60} s` : `${m} min`;
    if (d < 1) return h < 10 && m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    return d < 3 && h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  };
  function tick() {
    const chart = main.querySelector('.waterfall');
    if (!chart || still.matches || document.hidden) return;
    const now = Date.now() + ahead;
    for (const node of all('[data-since]')) node.textContent = span(now - node.dataset.since);
    const lines = all('line.now', chart);
    if (!lines.length) return;
    const share = ((now - chart.dataset.start) / chart.dataset.length) * 100;
    // Beyond the right edge the scale has to grow, and the server draws it.
    if (share > 100) { document.dispatchEvent(new Event('stale')); return; }
    for (const line of lines) for (const end of ['x1', 'x2']) line.setAttribute(end, `${share}%`);
    for (const bar of all('[data-open]', chart)) {
      bar.setAttribute('width', `${Math.max(share - parseFloat(bar.getAttribute('x')), 0)}%`);
    }
  }
  const set = () => { ahead = Date.parse(main.dataset.now) - Date.now(); };

  // Logs.
  const marks = window.CSS && CSS.highlights && window.Highlight;
  const found = new Map();
  function find(field) {
    const log = field.closest('.log'), pre = log.querySelector('pre'), hits = [];
    const text = field.value.toLowerCase();
    for (const walk = document.createTreeWalker(pre, 4); text && hits.length < 1000 && walk.nextNode();) {
      const words = walk.currentNode.data.toLowerCase();
      for (let at = words.indexOf(text); at >= 0 && hits.length < 1000; at = words.indexOf(text, at + text.length)) {
        const range = new Range();
        range.setStart(walk.currentNode, at);
        range.setEnd(walk.currentNode, at + text.length);
        hits.push(range);
      }
    }
    const at = Math.min(found.get(log)?.at ?? 0, Math.max(hits.length - 1, 0));
    found.set(log, { hits, at });
    show(log, text !== '');
  }
  function show(log, asked) {
    const { hits, at } = found.get(log);
    log.querySelector('.hits').textContent = !asked ? '' : hits.length ? `${at + 1} of ${hits.length}` : 'not there';
    if (marks) {
      CSS.highlights.set('found', new Highlight(...[...found.values()].flatMap((one) => one.hits)));
      CSS.highlights.set('here', new Highlight(...hits.slice(at, at + 1)));
    }
    if (!hits.length) return;
    if (!marks) { const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(hits[at]); }
    const pre = log.querySelector('pre'), box = hits[at].getBoundingClientRect(), frame = pre.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) pre.scrollTop += box.top - frame.top - frame.height / 3;
  }
  function next(field, step) {
    const log = field.closest('.log'), state = found.get(log);
    if (!state?.hits.length) return;
    state.at = (state.at + step + state.hits.length) % state.hits.length;
    show(log, true);
  }
  main.addEventListener('input', (event) => { if (event.target.matches('.log [type="search"]')) find(event.target); });

  // Copying.
  async function copy(text) {
    try { await navigator.clipboard.writeText(await text); say('Copied.'); } catch { say('Not copied: the browser does not allow it.'); }
  }
  main.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const { copy: text, copyFrom } = button.dataset;
    if (text) copy(text);
    else if (copyFrom) copy(fetch(copyFrom).then((answer) => answer.text()));
    else if (button.dataset.copyLog === '') copy(button.closest('.log').querySelector('pre').textContent);
    else if (button.dataset.wrap === '') root.classList.toggle('nowrap');
  });

  // Aborting asks in a dialog, in the words of the page that asks where there are no scripts.
  function ask(page) {
    const dialog = document.createElement('dialog'), title = document.createElement('h2');
    const body = document.importNode(page.querySelector('.gate'), true), large = body.querySelector('h1');
    title.id = 'ask-title';
    title.append(...large.childNodes);
    large.replaceWith(title);
    dialog.id = 'ask';
    dialog.setAttribute('aria-labelledby', title.id);
    dialog.append(body);
    // Its links lead back to the page behind it.
    dialog.addEventListener('click', (event) => {
      if (event.target !== dialog && !event.target.closest('a')) return;
      event.preventDefault();
      dialog.close();
    });
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
  main.addEventListener('click', async (event) => {
    const link = event.target.closest('a[data-control="X"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const answer = await fetch(`${link.href}?part=main`, { redirect: 'manual' });
      if (!answer.ok) throw answer;
      const page = parse(await answer.text());
      if (!document.querySelector('dialog[open]')) ask(page);
    } catch { location.href = link.href; }
  });

  // Keys. Those that are characters are off where the reader has switched them off.
  const rows = () => all('[data-row], [data-card], .in-stage > summary').filter((row) => row.offsetParent);
  const here = () => document.activeElement.closest?.('.task, .in-stage');
  function go(node) {
    if (!node) return;
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: 'nearest' });
  }
  function move(list, step) {
    const at = list.findLastIndex((row) => row === document.activeElement || row.compareDocumentPosition(document.activeElement) & 4);
    go(list[at < 0 ? 0 : Math.min(Math.max(at + step, 0), list.length - 1)]);
  }
  /** The row that has the focus, or else the one that matters most, open. */
  function open() {
    const row = here()?.closest('.task') ?? main.querySelector('.task.t-fail') ?? main.querySelector('.task.t-running') ?? main.querySelector('.task:not(.ahead)');
    const details = row?.querySelector('.opens');
    if (details) details.open = true;
    return row;
  }
  const act = {
    j: () => move(rows(), 1),
    k: () => move(rows(), -1),
    ']': () => move(all('.in-stage > summary'), 1),
    '[': () => move(all('.in-stage > summary'), -1),
    f: () => { const row = main.querySelector('.task.t-fail [data-row]'); if (row) { row.parentNode.open = true; go(row); } else say('Nothing has failed.'); },
    l: () => { const row = open(), log = row?.querySelector('.log pre') ?? row?.querySelector('.out a'); if (log) go(log); else say('This task has no output here.'); },
    p: () => { const last = open() && all('.payload', open()).pop(); if (last) { last.open = !last.open; go(last.querySelector('summary')); } },
    P: () => press('P'),
    R: () => press('R'),
    X: () => press('X'),
  };
  function press(key) {
    const control = main.querySelector(`[data-control="${key}"]`);
    if (control) control.click(); else say('That cannot be done now.');
  }
  let pair = 0;
  // Before the keys of all pages: on this one `j` and `k` walk rows.
  document.addEventListener('keydown', (event) => {
    const field = event.target.closest?.('input, textarea, select');
    if (field?.matches('.log [type="search"]') && event.key === 'Enter') { next(field, event.shiftKey ? -1 : 1); event.preventDefault(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || !root.hasAttribute('data-keys') || document.querySelector('dialog[open]')) return;
    // The second letter of two that lead somewhere else.
    const isPair = Date.now() - pair < 1_500;
    pair = event.key === 'g' ? Date.now() : 0;
    if (isPair) return;
    const does = act[event.key];
    if (!does || (event.repeat && !'jk[]'.includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }, true);

  // What the address does not point at: the first failure, where it is out of sight.
  if (!location.hash) {
    const failed = main.querySelector('.task.t-fail .opens[open]'), box = failed?.getBoundingClientRect();
    if (box && (box.top < 0 || box.top > innerHeight * 0.7) && !main.querySelector('.notice')) failed.scrollIntoView({ block: 'center' });
  }
  set();
  tick();
  setInterval(tick, 1_000);
  document.addEventListener('swapped', () => {
    set();
    tick();
    found.clear();
    for (const field of all('.log [type="search"]')) if (field.value) find(field);
  });
})();
