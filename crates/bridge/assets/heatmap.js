// The heatmap: arrows walk its cells, Enter opens an evaluation, and a line says what is under the pointer.
(() => {
  'use strict';
  const all = () => document.querySelectorAll('[data-heat]');
  const spot = (cell) => cell.querySelector('a') ?? cell;
  const cellOf = (node) => node.closest?.('[data-heat] :is(th, td)');
  const linkOf = (cell) => cell.closest('table').tHead.rows[0].cells[cell.cellIndex]?.querySelector('a');

  /** One stop for the whole table: where the reader was last, at first the newest score. */
  function set() {
    for (const table of all()) {
      table.setAttribute('role', 'grid');
      for (const row of table.rows) for (const cell of row.cells) spot(cell).tabIndex = -1;
      const here = table.contains(document.activeElement) && cellOf(document.activeElement);
      spot(here || [...table.tBodies[0].rows[0].cells].pop()).tabIndex = 0;
    }
  }
  function go(cell) {
    const old = cell.closest('table').querySelector('[tabindex="0"]');
    if (old) old.tabIndex = -1;
    spot(cell).tabIndex = 0;
    spot(cell).focus();
    cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
  function tell(cell) {
    const line = document.getElementById('heat-line');
    if (!line || cell?.localName !== 'td' || !cell.parentNode.cells[0].textContent) return;
    line.textContent = [cell.parentNode.cells[0].textContent.trim(), linkOf(cell)?.title, cell.textContent].join(' · ');
  }

  document.addEventListener('keydown', (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.altKey || event.metaKey) return;
    const rows = [...cell.closest('table').rows], row = cell.parentNode, y = rows.indexOf(row), x = cell.cellIndex;
    const last = row.cells.length - 1, far = event.ctrlKey;
    const to = {
      ArrowLeft: [x - 1, y], ArrowRight: [x + 1, y], ArrowUp: [x, y - 1], ArrowDown: [x, y + 1],
      Home: far ? [1, 0] : [0, y], End: [last, far ? rows.length - 1 : y],
    }[event.key];
    if (to) {
      const next = rows[to[1]]?.cells[to[0]];
      // The corner says nothing.
      if (next && (to[0] || to[1])) go(next);
      event.preventDefault();
    } else if (event.key === 'Enter' && cell.localName === 'td') linkOf(cell)?.click();
  });
  document.addEventListener('click', (event) => {
    const cell = cellOf(event.target);
    if (cell?.localName === 'td') linkOf(cell)?.click();
  });
  for (const kind of ['focusin', 'pointerover']) document.addEventListener(kind, (event) => tell(cellOf(event.target)));
  document.addEventListener('swapped', set);
  set();
})();
