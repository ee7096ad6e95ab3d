// Keeps spans such as "12 min ago" true between two loads, and shows times in the reader's own zone.
(() => {
  'use strict';
  const main = document.getElementById('main');
  const zoned = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short',
  });
  // The server's clock decides; this one may be wrong.
  let ahead;
  const set = () => { ahead = Date.parse(main.dataset.now) - Date.now(); };

  function span(s) {
    const m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (m < 1) return `${s} s`;
    if (h < 1) return m < 10 && s % 60 ? `${m} min ${s % 60} s` : `${m} min`;
    if (d < 1) return h < 10 && m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
    return d < 3 && h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
  }
  function tick() {
    for (const time of main.querySelectorAll('time')) {
      const at = Date.parse(time.dateTime);
      // What has happened is in no future, although the server's clock may have been set back since.
      const s = Math.max('toCome' in time.dataset ? -Infinity : 0, Math.floor((Date.now() + ahead - at) / 1000));
      const words = s <= -60 ? `in ${span(-s)}` : s < 10 ? 'just now' : `${span(s)} ago`;
      time.querySelector('.rel').textContent = words;
      time.querySelector('.abs').textContent = time.title = zoned.format(at);
    }
  }
  set();
  document.getElementById('zone').textContent = `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  tick();
  setInterval(tick, 10_000);
  document.addEventListener('swapped', () => { set(); tick(); });
})();
