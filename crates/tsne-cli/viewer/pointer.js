// Mouse, pen, fingers and keys on the map.

const TOOLS = ["pan", "zoom", "lasso", "box"];
const fingers = new Map();
let drag = null;
let wasClick = false;

function setTool(tool) {
	app.tool = tool;
	for (const name of TOOLS) byId(`tool-${name}`).setAttribute("aria-pressed", name === tool);
	stage.dataset.tool = tool;
}

function placeOf(event) {
	const box = stage.getBoundingClientRect();
	return [event.clientX - box.left, event.clientY - box.top];
}

/** The visible point under a pixel, or -1. */
function pointAt(px, py) {
	const [x, y] = toMap(px, py);
	return currentGrid().nearest(x, y, Math.max(currentStyle().radius + 2, 8) / view.scale, isVisible);
}

function setHover(i) {
	if (i === app.hover) return;
	app.hover = i;
	showTooltip();
	invalidateMarks();
}

function down(event) {
	if (event.button > 0 || event.target.closest("button, input, select, .floating")) return;
	const at = placeOf(event);
	overlay.setPointerCapture(event.pointerId);
	fingers.set(event.pointerId, at);
	flight = null;
	if (fingers.size === 2) {
		drag = { kind: "pinch" };
		app.outline = null;
	} else if (fingers.size === 1) {
		const kind = app.tool === "pan" && event.shiftKey ? "zoom" : app.tool;
		drag = { kind, start: at, last: at, isFar: false, path: [at], adds: event.shiftKey };
	}
}

function move(event) {
	const at = placeOf(event);
	if (!fingers.has(event.pointerId)) {
		if (event.pointerType !== "touch") setHover(pointAt(...at));
		return;
	}
	if (drag?.kind === "pinch") {
		const [a, b] = [...fingers.values()];
		fingers.set(event.pointerId, at);
		const [c, d] = [...fingers.values()];
		const middle = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
		const [before, after] = [middle(a, b), middle(c, d)];
		panBy(after[0] - before[0], after[1] - before[1]);
		zoomAt(...after, Math.hypot(c[0] - d[0], c[1] - d[1]) / Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1));
		return;
	}
	fingers.set(event.pointerId, at);
	if (!drag) return;
	drag.isFar ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > 4;
	if (!drag.isFar) return;
	setHover(-1);
	if (drag.kind === "pan") {
		panBy(at[0] - drag.last[0], at[1] - drag.last[1]);
	} else if (drag.kind === "lasso") {
		const [x, y] = drag.path.at(-1);
		if (Math.hypot(at[0] - x, at[1] - y) >= 3) drag.path.push(at);
		app.outline = drag.path;
	} else {
		app.outline = rectangle(drag.start, at);
	}
	drag.last = at;
	invalidateMarks();
}

const rectangle = ([a, b], [c, d]) => [[a, b], [c, b], [c, d], [a, d]];

function up(event) {
	if (!fingers.delete(event.pointerId) || !drag) return;
	const { kind, isFar, adds, start } = drag;
	const outline = app.outline;
	const isOver = event.type === "pointerup";
	drag = null;
	app.outline = null;
	invalidateMarks();
	if (kind === "pinch") return fingers.clear();
	wasClick = isOver && !isFar;
	if (wasClick) {
		const i = pointAt(...start);
		if (event.pointerType === "touch") setHover(i);
		if (i >= 0) togglePin(i);
	}
	if (!isOver || !outline) return;
	if (kind === "zoom") {
		const [[a, b], [c, d]] = [toMap(...outline[0]), toMap(...outline[2])];
		fly(framing({ left: Math.min(a, c), right: Math.max(a, c), bottom: Math.min(b, d), top: Math.max(b, d) }, NO_INSETS));
	} else {
		selectWithin(outline.map(([px, py]) => toMap(px, py)), adds);
	}
}

function wheel(event) {
	event.preventDefault();
	flight = null;
	const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
	// Pinching on a touchpad arrives as a wheel with the control key, in small steps.
	zoomAt(...placeOf(event), Math.exp(-clamp(pixels, -200, 200) * (event.ctrlKey ? 0.01 : 0.002)));
}

stage.addEventListener("pointerdown", down);
stage.addEventListener("pointermove", move);
stage.addEventListener("pointerup", up);
stage.addEventListener("pointercancel", up);
stage.addEventListener("pointerleave", () => setHover(-1));
overlay.addEventListener("wheel", wheel, { passive: false });
overlay.addEventListener("dblclick", () => wasClick && home());

/** Keys on the map: a step is a tenth of the window. */
const MAP_KEYS = {
	ArrowLeft: () => panBy(view.width / 10, 0),
	ArrowRight: () => panBy(-view.width / 10, 0),
	ArrowUp: () => panBy(0, view.height / 10),
	ArrowDown: () => panBy(0, -view.height / 10),
	"+": () => zoomAt(view.width / 2, view.height / 2, 1.4),
	"=": () => zoomAt(view.width / 2, view.height / 2, 1.4),
	"-": () => zoomAt(view.width / 2, view.height / 2, 1 / 1.4),
	0: home,
	p: () => setTool("pan"),
	z: () => setTool("zoom"),
	l: () => setTool("lasso"),
	b: () => setTool("box"),
	Enter: () => {
		const i = currentGrid().nearest(view.x, view.y, Math.max(view.width, view.height) / view.scale, isVisible);
		if (i < 0) return say("no point is shown");
		togglePin(i);
		say(`${nameOf(i)}: ${factsOf(i).map((fact) => fact.join(" ")).join(", ")}`);
	},
};

/** Keys anywhere but in a field. */
const KEYS = {
	"/": () => byId("search").focus(),
	n: () => stepResult(1),
	N: () => stepResult(-1),
	d: toggleTheme,
	t: () => byId("names").click(),
	c: () => setColoring((app.coloring + 1) % colorings.length),
	"?": () => byId("help").showModal(),
	Escape: () => {
		setTool("pan");
		if (app.query) return setQuery("");
		clearSelection();
	},
};

document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, dialog")) return;
	const isOnMap = event.target === overlay || event.target === document.body;
	const action = KEYS[event.key] ?? (isOnMap ? MAP_KEYS[event.key] : null);
	if (!action) return;
	event.preventDefault();
	action();
});
