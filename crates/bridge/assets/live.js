// Keeps a page true: when the server says that it no longer is, the page asks again. All tabs of a
// browser share one stream where they can agree on who holds it, because browsers allow few
// connections to one server.
(() => {
  'use strict';
  const { morph, parse, say } = window.tide;
  const CALM = 1_000, FRESH = 2_000, POLL = 30_000, SILENT = 40_000, QUICK = 10;
  const byId = (id) => document.getElementById(id);
  const main = byId('main'), live = byId('live'), topic = document.body.dataset.live;
  const icon = document.querySelector('link[rel=icon]');
  // Whether the stream tells what happens, and whether something that it told could not be asked for.
  let alive = false, missed = false;
  let trueAt = new Date(), over = false;

  function state(name) {
    const since = trueAt.toLocaleTimeString('en-GB');
    const words = { live: 'Live', lost: `Reconnecting, true as of ${since}.`, off: `Not live, true as of ${since}.` };
    live.dataset.state = name;
    live.querySelector('span').textContent = words[name];
  }
  const show = () => state(alive && !missed ? 'live' : 'lost');

  // ---- Asking again
  let busy = false, again = false;
  async function refresh() {
    if (over) return;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const url = new URL(location.href);
      url.searchParams.set('part', 'main');
      const answer = await fetch(url, { redirect: 'manual' });
      if (answer.type === 'opaqueredirect') { signedOut(); return; }
      if (!answer.ok) throw answer;
      const fresh = parse(await answer.text()).getElementById('main');
      hold(() => morph(main, fresh));
      const waiting = main.dataset.waiting, count = byId('count');
      document.title = (waiting > 0 ? `(${waiting}) ` : '') + main.dataset.title;
      count.textContent = waiting;
      count.hidden = !(waiting > 0);
      icon.href = waiting > 0 ? icon.dataset.dot : icon.dataset.plain;
      trueAt = new Date();
      missed = false;
      show();
      document.dispatchEvent(new Event('swapped'));
    } catch {
      missed = true;
      show();
    } finally {
      setTimeout(() => {
        busy = false;
        if (again || (missed && alive)) { again = false; refresh(); }
      }, CALM);
    }
  }

  // A page may know by itself that it has to be drawn again.
  document.addEventListener('stale', refresh);

  // A card above may say more than before: the one that somebody is at stays where it is.
  function hold(change) {
    const card = document.activeElement.closest('[data-card]') ?? main.querySelector('[data-card]:hover');
    const top = card?.getBoundingClientRect().top;
    change();
    if (card?.isConnected) scrollBy(0, card.getBoundingClientRect().top - top);
  }

  // Whoever signs in next in this browser shall not read on.
  function signedOut() {
    if (over) return;
    over = true;
    stop();
    state('off');
    const heading = document.createElement('h1'), text = document.createElement('p'), link = document.createElement('a');
    heading.textContent = 'You are signed out';
    text.textContent = 'Nothing was sent. What you typed as a reason is kept in this tab until it is closed. ';
    link.textContent = 'Sign in again';
    link.href = `/bridge/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    text.append(link);
    main.replaceChildren(heading, text);
    document.title = 'Signed out · Tidegate';
    icon.href = icon.dataset.plain;
    byId('count').hidden = true;
  }

  // ---- The stream
  let source, timer, watchdog, failures = 0, seen = main.dataset.at, topics = new Set([topic]);
  const wait = () => (failures > QUICK ? POLL : Math.min(4_000, 500 * 2 ** failures));
  function stop() { source?.close(); source = null; clearTimeout(timer); clearTimeout(watchdog); }
  function connect() {
    stop();
    if (over) return;
    const query = new URLSearchParams([...topics].map((name) => ['topic', name]));
    query.set('at', seen);
    source = new EventSource(`/bridge/live?${query}`);
    const heard = (event, news) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(lost, SILENT);
      if (event.lastEventId) seen = event.lastEventId;
      tell({ state: 'live', ...news });
    };
    source.addEventListener('open', (event) => {
      // The browser's own event of that name carries nothing.
      if (event.data) { failures = 0; heard(event, {}); }
    });
    source.addEventListener('beat', (event) => heard(event, {}));
    source.addEventListener('changed', (event) => heard(event, { changed: JSON.parse(event.data) }));
    source.addEventListener('reset', (event) => heard(event, { changed: [...topics] }));
    source.addEventListener('over', () => tell({ over: true }));
    source.onerror = lost;
  }
  function lost() {
    stop();
    tell({ state: 'lost' });
    failures += 1;
    timer = setTimeout(() => {
      // A job's output is not part of what is told afterwards, and a session may have ended.
      tell({ changed: [...topics] });
      connect();
    }, wait());
  }

  // What the stream says, for this tab and for those that have none of their own.
  let tell = hear;
  function hear(news) {
    if (news.over) signedOut();
    if (over) return;
    if (news.state) { alive = news.state === 'live'; show(); }
    if (news.changed?.includes(topic) || (missed && alive)) refresh();
  }

  // ---- One stream for all tabs
  function together() {
    const channel = new BroadcastChannel('tidegate'), me = crypto.randomUUID();
    const tabs = new Map();
    let leads = false, soon;
    const join = () => channel.postMessage({ join: me, topic, at: main.dataset.at });
    const older = (a, b) => {
      const [start, number] = a.split(/-(?=\d+$)/), [otherStart, other] = b.split(/-(?=\d+$)/);
      return start !== otherStart || +number < +other;
    };
    tell = (news) => { channel.postMessage({ news }); hear(news); };
    // Every tab that opens or closes may change what the stream is about; a few at once change it once.
    const agree = () => {
      clearTimeout(soon);
      soon = setTimeout(() => {
        const wanted = new Set([topic, ...tabs.values()]);
        const isSame = source && wanted.size === topics.size && [...wanted].every((name) => topics.has(name));
        topics = wanted;
        if (!isSame) connect();
      }, 50);
    };
    channel.onmessage = ({ data }) => {
      if (data.news) hear(data.news);
      if (data.who) join();
      if (!leads) return;
      if (data.join) {
        tabs.set(data.join, data.topic);
        const isKnown = source && topics.has(data.topic);
        if (older(data.at, seen)) {
          // It has seen less than the stream has told.
          if (isKnown) tell({ changed: [data.topic] }); else seen = data.at;
        }
        tell({ state: alive ? 'live' : 'lost' });
        agree();
      }
      if (data.leave) { tabs.delete(data.leave); agree(); }
    };
    addEventListener('pagehide', () => channel.postMessage({ leave: me }));
    state('lost');
    join();
    navigator.locks.request('tidegate', () => {
      leads = true;
      channel.postMessage({ who: true });
      agree();
      return new Promise(() => {});
    });
  }

  // Without a way to agree, a tab that nobody sees gives its connection back.
  function alone() {
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) { stop(); tell({ state: 'lost' }); } else connect();
    });
    if (!document.hidden) connect();
  }

  // ---- What was typed survives the end of a session
  const draft = (field) => `draft ${document.body.dataset.reader} ${field.closest('[data-key]')?.dataset.key}`;
  const reasons = () => main.querySelectorAll('[data-key] textarea[name=comment]');
  document.addEventListener('input', ({ target }) => {
    if (target.matches('[data-key] textarea[name=comment]')) sessionStorage.setItem(draft(target), target.value);
  });
  for (const field of reasons()) field.value ||= sessionStorage.getItem(draft(field)) ?? '';

  document.addEventListener('submit', (event) => {
    if (event.target.matches('.out')) for (const field of reasons()) sessionStorage.removeItem(draft(field));
    // What just changed is unread.
    const card = event.target.closest('[data-changed]');
    if (card && Date.now() - card.dataset.changed < FRESH) {
      event.preventDefault();
      say('Not sent: this changed just now. Look again.');
    }
  });
  for (const log of main.querySelectorAll('[data-tail]')) log.scrollTop = log.scrollHeight;
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  if (!topic) return;
  addEventListener('online', () => { if (source || timer) { failures = 0; connect(); } });
  addEventListener('offline', () => { if (source) lost(); });
  if (navigator.locks && window.BroadcastChannel) together(); else alone();
})();
