// Search from anywhere: the form of the search page in a dialog, which answers while one types.
(() => {
  'use strict';
  const dialog = document.getElementById('palette'), field = dialog.querySelector('input'), found = document.getElementById('found');
  let asked = 0, timer;
  window.tide.search = () => { if (!dialog.open) { dialog.showModal(); field.select(); } };

  async function ask() {
    const number = ++asked, q = field.value.trim();
    if (!q) { found.replaceChildren(); return; }
    const answer = await fetch(`/bridge/search?${new URLSearchParams({ q, part: 'main' })}`, { redirect: 'manual' });
    if (number !== asked || !answer.ok) return;
    const list = window.tide.parse(await answer.text()).getElementById('results');
    found.replaceChildren(...(list ? [document.importNode(list, true)] : []));
  }
  field.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 120); });

  // Arrows walk the results; Enter on the field goes to the page of all.
  dialog.addEventListener('keydown', (event) => {
    // A search field would be emptied first.
    if (event.key === 'Escape') { event.preventDefault(); dialog.close(); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [field, ...found.querySelectorAll('a')], at = stops.indexOf(document.activeElement);
    stops[(at + step + stops.length) % stops.length].focus();
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      window.tide.search();
    }
  });
})();
