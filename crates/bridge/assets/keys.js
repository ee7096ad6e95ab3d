// Single letters. They go somewhere, or act on a card while it has the focus; never while somebody types.
(() => {
  'use strict';
  const FRESH = 2_000, PAIR = 1_500;
  const { say, parse } = window.tide;
  const help = document.getElementById('help');
  const section = (word) => [...document.querySelectorAll('.sections a')].find((link) => link.textContent === word);
  const places = { i: () => '/bridge/inbox', p: () => '/bridge/projects', s: () => section('Sequences')?.href ?? '/bridge/projects', m: () => '/bridge/me' };
  let pair = 0;

  function move(step) {
    const all = [...document.querySelectorAll('[data-card]')];
    const at = all.indexOf(document.activeElement.closest('[data-card]'));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'nearest' });
    return Boolean(next);
  }

  /** From a stage, or from what waits before it, to the one beside it. */
  function stage(step) {
    const all = [...document.querySelectorAll('.env-stage h2 a')];
    const here = document.activeElement.closest('.env-leg') ?? document.querySelector('.env-leg:has([aria-current])');
    const at = all.findIndex((link) => here?.contains(link));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.focus({ preventScroll: true });
    next?.closest('.env-stage').scrollIntoView({ block: 'nearest', inline: 'nearest' });
    return Boolean(next);
  }

  async function keys() {
    if (help.open) return;
    const list = document.getElementById('keys');
    if (!list.firstChild) {
      const answer = await fetch('/bridge/me?part=main', { redirect: 'manual' });
      const found = answer.ok && parse(await answer.text()).querySelector('.keys');
      if (!found) { location.href = '/bridge/me'; return; }
      list.replaceChildren(document.importNode(found, true));
    }
    help.showModal();
  }

  const general = {
    '/': () => window.tide.search(),
    '?': keys,
    g: () => { pair = Date.now(); },
    j: () => move(1),
    k: () => move(-1),
    ArrowRight: () => stage(1),
    ArrowLeft: () => stage(-1),
    ']': () => stage(1),
    '[': () => stage(-1),
    ArrowDown: () => document.activeElement.matches('[data-card]') && move(1),
    ArrowUp: () => document.activeElement.matches('[data-card]') && move(-1),
  };
  const onCard = {
    a: (card) => {
      if (Date.now() - (card.dataset.changed ?? 0) < FRESH) { say('Ignored: this changed just now. Look again.'); return; }
      card.querySelector('form.ballot')?.requestSubmit(card.querySelector('.approve'));
    },
    d: (card) => card.querySelector('.ballot textarea')?.focus(),
    c: (card) => card.querySelector('.ballot textarea')?.focus(),
    e: (card) => {
      const parts = [...card.querySelectorAll('.evidence details')], open = parts.some((part) => !part.open);
      for (const part of parts) part.open = open;
    },
    x: (card) => {
      if (!document.getElementById('bulk')) { say('To approve several together, select them in the Inbox.'); return; }
      const box = card.querySelector('.pick input');
      if (!box) { say('Only what has passed its gate can be approved together with others.'); return; }
      if (!card.querySelector('.evidence details[open]')) onCard.e(card);
      box.checked = !box.checked;
      say(box.checked ? 'Selected.' : 'Not selected.');
    },
    o: (card) => card.querySelector('a[data-sequence]')?.click(),
  };

  document.addEventListener('keydown', (event) => {
    const field = event.target.closest('input, textarea, select, [contenteditable]');
    if (event.key === 'Escape' && field && !field.closest('dialog')) { field.closest('[data-card]')?.focus(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector('dialog[open]')) return;
    const isPair = Date.now() - pair < PAIR;
    pair = 0;
    if (isPair && places[event.key]) { event.preventDefault(); location.href = places[event.key](); return; }
    const card = document.activeElement?.matches('[data-card]') ? document.activeElement : null;
    if (card && onCard[event.key]) { event.preventDefault(); onCard[event.key](card); return; }
    // What a page offers under a letter of its own.
    const offer = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`);
    if (offer) { event.preventDefault(); offer.click(); return; }
    const act = general[event.key];
    if (act && act() !== false) event.preventDefault();
  });
})();
