// What the maps on the page show: keeps them on one view, and reports the view when it rests.
//
// Streamlit's map tells neither where it looks nor lets a page move it, so this asks deck.gl itself, which
// hangs in a ref of the React component around the canvas. Where it is not found nothing is reported, and
// the page shows the extent of its data.

const MAPS = '[data-testid="stDeckGlJsonChart"]';
const REST = 350; // milliseconds without a move before a view is reported
const FIELDS = ["longitude", "latitude", "zoom", "pitch", "bearing"];

function deckOf(map) {
  const canvas = map.querySelector("canvas");
  const key = canvas && Object.keys(canvas).find((name) => name.startsWith("__reactFiber$"));
  for (let fiber = key && canvas[key]; fiber; fiber = fiber.return) {
    for (let hook = fiber.memoizedState; hook && typeof hook === "object" && "next" in hook; hook = hook.next) {
      const deck = hook.memoizedState?.current?.deck;
      if (deck?.getViewports && deck.props?.viewState) return deck;
    }
  }
  return null;
}

const same = (a, b) => FIELDS.every((field) => Math.abs((a[field] ?? 0) - (b[field] ?? 0)) < 1e-9);

function boxOf(deck) {
  const viewport = deck.isInitialized && deck.getViewports()[0];
  if (!viewport) return null;
  const [west, south, east, north] = viewport.getBounds();
  return { south, west, north, east, width: viewport.width, height: viewport.height };
}

function pick(view) {
  return Object.fromEntries(FIELDS.map((field) => [field, view[field] ?? 0]));
}

const watches = new WeakMap(); // the watch of each mounted component, which new data replaces

export default function ({ data, setStateValue, parentElement }) {
  watches.get(parentElement)?.();
  let running = true;
  let touched = null; // the map that the visitor moved last leads the others
  let last = null;
  let moved = 0;
  let reported = data?.zoom ?? null;
  let fitted = reported !== null;
  let settled = {};

  function touch(event) {
    touched = event.target.closest?.(MAPS) ?? touched;
  }

  function lead(leader, others) {
    const view = leader.props.viewState;
    if (last && !same(view, last)) moved = performance.now();
    last = view;
    for (const deck of others) {
      if (!same(deck.props.viewState, view)) {
        deck.props.onViewStateChange?.({ viewState: { ...deck.props.viewState, ...pick(view) } });
      }
    }
  }

  // The page fitted the view to a map of a given size; here is the size that the map really has.
  function fit(deck) {
    const viewport = deck.isInitialized && deck.getViewports()[0];
    if (!viewport || viewport.width < 10) return;
    if (viewport.width !== settled.width || viewport.height !== settled.height) {
      settled = { width: viewport.width, height: viewport.height, at: performance.now() };
    }
    if (performance.now() - settled.at < REST) return; // a page that is being laid out changes its sizes
    fitted = true;
    const more = Math.log2(Math.min(viewport.width / data.size[0], viewport.height / data.size[1]));
    if (more < 0.1) return;
    const view = deck.props.viewState;
    deck.props.onViewStateChange?.({ viewState: { ...view, zoom: view.zoom + more } });
    moved = performance.now();
  }

  function report(deck) {
    moved = 0;
    const box = boxOf(deck);
    if (!box) return;
    const drawn = data?.window;
    const inside =
      !drawn || (box.south >= drawn[0] && box.west >= drawn[1] && box.north <= drawn[2] && box.east <= drawn[3]);
    if (inside && reported !== null && Math.abs(last.zoom - reported) < 0.3) return;
    reported = last.zoom;
    setStateValue("view", { ...box, ...pick(last) });
  }

  function step() {
    if (!running) return;
    const maps = [...document.querySelectorAll(MAPS)];
    const leader = maps.includes(touched) ? touched : maps[0];
    const deck = leader && deckOf(leader);
    if (deck) {
      if (!fitted && data?.size) fit(deck);
      lead(deck, maps.filter((map) => map !== leader).map(deckOf).filter(Boolean));
      if (moved && performance.now() - moved > REST) report(deck);
    }
    requestAnimationFrame(step);
  }

  for (const name of ["pointerdown", "wheel"]) document.addEventListener(name, touch, { capture: true, passive: true });
  step();
  const stop = () => {
    running = false;
    for (const name of ["pointerdown", "wheel"]) document.removeEventListener(name, touch, { capture: true });
  };
  watches.set(parentElement, stop);
  return stop;
}
