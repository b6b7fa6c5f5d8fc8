// Pictures are drawn in the colours of a theme by the server: when the visitor's system goes from light to
// dark, or back, the page is drawn anew.

const watches = new WeakMap(); // the watch of each mounted component, which new data replaces

function themeOf(app) {
  const [red, green, blue] = getComputedStyle(app).backgroundColor.match(/\d+/g).map(Number);
  return red + green + blue < 384 ? "dark" : "light";
}

export default function ({ data, setTriggerValue, parentElement }) {
  watches.get(parentElement)?.();
  const app = document.querySelector('[data-testid="stApp"]');
  const observer = new MutationObserver(() => {
    if (themeOf(app) === data.drawn) return;
    observer.disconnect(); // it is told once; a page that stays as it is would be drawn for ever
    setTriggerValue("theme", themeOf(app));
  });
  observer.observe(app, { attributes: true, attributeFilter: ["class"] });
  const stop = () => observer.disconnect();
  watches.set(parentElement, stop);
  return stop;
}
