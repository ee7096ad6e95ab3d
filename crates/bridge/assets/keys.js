// Single letters: they act on a card only while it has the focus, never while somebody types.
(() => {
  'use strict';
  const cards = () => [...document.querySelectorAll('[data-card]')];
  const say = (text) => { document.getElementById('say').textContent = text; };
  function move(step) {
    const all = cards(), at = all.indexOf(document.activeElement.closest('[data-card]'));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  }
  document.addEventListener('keydown', (event) => {
    const field = event.target.closest('input, textarea, select, [contenteditable]');
    if (event.key === 'Escape' && field) { field.closest('[data-card]')?.focus(); return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === 'j' || event.key === 'k') { move(event.key === 'j' ? 1 : -1); event.preventDefault(); return; }
    if (event.key === '?') { location.href = '/bridge/me'; return; }
    const card = document.activeElement;
    if (!card?.matches('[data-card]')) return;
    const find = (what) => card.querySelector(what);
    const act = { a: approve, d: decline, e: evidence }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    function approve() {
      if (Date.now() - (card.dataset.changed ?? 0) < 2_000) { say('Ignored: this changed just now. Look again.'); return; }
      find('form')?.requestSubmit(find('.approve'));
    }
    function decline() { find('textarea')?.focus(); }
    function evidence() { const details = find('.evidence'); if (details) details.open = !details.open; }
  });
})();
