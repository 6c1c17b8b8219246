// Where one looks: the middle of the view in map units and CSS pixels per unit; flights; the address that restores it.

const stage = byId("stage");
const view = { x: UNITS / 2, y: UNITS / 2, scale: 1, width: 1, height: 1 };
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

/** The rectangle of the points. */
const extent = (() => {
	const { positions } = steps[lastStep];
	const out = { left: UNITS, right: 0, bottom: UNITS, top: 0 };
	for (let i = 0; i < 2 * n; i += 2) {
		out.left = Math.min(out.left, positions[i]);
		out.right = Math.max(out.right, positions[i]);
		out.bottom = Math.min(out.bottom, positions[i + 1]);
		out.top = Math.max(out.top, positions[i + 1]);
	}
	return n > 0 ? out : { left: 0, right: UNITS, bottom: 0, top: UNITS };
})();

/** What is kept free around a rectangle that is framed: room for the tools on the left and the steps below. */
const INSETS = { left: 72, right: 32, top: 32, bottom: steps.length > 1 ? 84 : 32 };
const NO_INSETS = { left: 0, right: 0, top: 0, bottom: 0 };

/** The view that shows a rectangle whole. */
function framing({ left, right, bottom, top }, insets = INSETS) {
	const width = Math.max(view.width - insets.left - insets.right, 1);
	const height = Math.max(view.height - insets.top - insets.bottom, 1);
	const scale = clamp(Math.min(width / Math.max(right - left, 1), height / Math.max(top - bottom, 1)), 1e-9, CLOSEST);
	const x = (left + right) / 2 - (insets.left - insets.right) / 2 / scale;
	const y = (bottom + top) / 2 + (insets.top - insets.bottom) / 2 / scale;
	return { x, y, scale };
}

/** At the closest, a map unit is eight pixels: positions are not known any better. */
const CLOSEST = 8;
const limited = (scale) => clamp(scale, Math.min(homeScale() / 8, CLOSEST), CLOSEST);
const homeScale = () => framing(extent).scale;

/** How much closer than the whole map. */
const zoom = () => view.scale / homeScale();

const toScreen = (x, y) => [(x - view.x) * view.scale + view.width / 2, (view.y - y) * view.scale + view.height / 2];
const toMap = (px, py) => [(px - view.width / 2) / view.scale + view.x, view.y - (py - view.height / 2) / view.scale];

function look(at) {
	view.x = clamp(at.x, -UNITS / 2, 1.5 * UNITS);
	view.y = clamp(at.y, -UNITS / 2, 1.5 * UNITS);
	view.scale = limited(at.scale);
	moved();
}

const panBy = (dx, dy) => look({ x: view.x - dx / view.scale, y: view.y + dy / view.scale, scale: view.scale });

/** Zooms so that what is at a pixel stays there. */
function zoomAt(px, py, factor) {
	const [x, y] = toMap(px, py);
	const scale = limited(view.scale * factor);
	look({ x: x - (px - view.width / 2) / scale, y: y + (py - view.height / 2) / scale, scale });
}

let flight = null;

/** Goes to a view: evenly in the logarithm of the scale, and there at once for people who want no motion. */
function fly(to) {
	flight = null;
	if (isStill.matches) return look(to);
	flight = { from: { ...view }, to, start: performance.now() };
	moved();
}

/** The next moment of a flight. */
function advance(now) {
	if (!flight) return;
	const { from, to, start } = flight;
	const t = clamp((now - start) / 350, 0, 1);
	const eased = t * t * (3 - 2 * t);
	const scale = from.scale * (to.scale / from.scale) ** eased;
	// The middle moves with the room a pixel takes, so that the target does not swing out of sight.
	const whole = 1 / to.scale - 1 / from.scale;
	const share = Math.abs(whole) < 1e-6 ? eased : (1 / scale - 1 / from.scale) / whole;
	if (t === 1) flight = null;
	look({ x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share, scale });
}

const home = () => fly(framing(extent));

/** Goes to a point, and close. */
function flyToPoint(i) {
	const { positions } = steps[app.step];
	fly({ x: positions[2 * i], y: positions[2 * i + 1], scale: Math.max(view.scale, homeScale() * 6) });
}

/** Frames points; `each` calls its argument with every one. */
function flyToPoints(each) {
	const { positions } = steps[app.step];
	const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
	each((i) => {
		box.left = Math.min(box.left, positions[2 * i]);
		box.right = Math.max(box.right, positions[2 * i]);
		box.bottom = Math.min(box.bottom, positions[2 * i + 1]);
		box.top = Math.max(box.top, positions[2 * i + 1]);
	});
	if (box.left > box.right) return;
	const target = framing(box);
	fly({ ...target, scale: Math.min(target.scale, homeScale() * 12) });
}

/** Takes over the size of the window; the middle and the zoom stay. */
function resize() {
	const before = zoom();
	view.width = Math.max(stage.clientWidth, 2);
	view.height = Math.max(stage.clientHeight, 2);
	look({ ...view, scale: homeScale() * before });
}
