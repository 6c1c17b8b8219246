// The page: its state, the loop that draws, and what is set up once.

const app = {
	coloring: 0, emphasis: -1, hover: -1, pins: [], query: "", found: 0, chosen: 0, tool: "pan", outline: null,
	size: 0, opacity: 0, theme: "", hasNames: true, step: lastStep, renderer: "",
	marks: new Uint8Array(n),
};

/** The coloring that is shown. */
const current = () => colorings[app.coloring];

/** Says something to assistive technology. */
const say = (text) => put("said", text);

// Appearance.

const isDarkSystem = matchMedia("(prefers-color-scheme: dark)");
const theme = () => app.theme || scene.theme || (isDarkSystem.matches ? "dark" : "light");

function toggleTheme() {
	app.theme = theme() === "dark" ? "light" : "dark";
	themeChanged();
	saveLater();
}

function themeChanged() {
	page.dataset.theme = theme();
	recolor();
	showLegend();
	showSelection();
}

/** Colors of the page, for what is drawn on canvases. */
function tones() {
	const style = getComputedStyle(page);
	const names = ["ground", "ink", "faint", "halo", "accent", "wash"];
	return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Size and opacity of points: smaller the more there are, larger the closer one is, and clear where they crowd. */
function currentStyle() {
	const side = Math.min(view.width, view.height);
	const closer = Math.max(zoom(), 0.5);
	const base = clamp(108 * Math.max(n, 1) ** -0.4, 1.1, 9) * clamp(side / 1280, 0.5, 1.5);
	const radius = clamp(base * closer ** 0.4, 0.4, 12) * 2 ** app.size;
	const crowding = (n * radius * radius) / (side * closer) ** 2;
	const clear = clamp(0.9 / Math.sqrt(Math.max(crowding / 0.06, 1)), 0.35, 0.9);
	return { radius, opacity: clamp(clear * 2 ** app.opacity, 0.02, 1) };
}

// Drawing.

let renderer = null;
let isScheduled = false;
let isStale = true;
let lastMove = -Infinity;
let lastFrame = 0;
/** Points that a moving picture can afford; at rest all are drawn. */
let affordable = Math.min(n, 400000);
let wasPartial = false;
let mixing = null;

function startRenderer(reason) {
	const canvas = make("canvas", "", { id: "points", "aria-hidden": "true" });
	byId("points").replaceWith(canvas);
	if (!reason) {
		try {
			renderer = webglRenderer(canvas);
			canvas.addEventListener("webglcontextlost", () => startRenderer("the graphics context was lost"));
		} catch (error) {
			return startRenderer(error.message);
		}
	} else {
		renderer = canvasRenderer(canvas);
		put("notice-text", `Drawn without WebGL2, slower: ${reason}.`);
		byId("notice").hidden = false;
	}
	renderer.canvas = canvas;
	stage.dataset.renderer = renderer.name;
	showPositions();
	renderer.slots(inOrder(current().slots));
	renderer.marks(inOrder(app.marks));
	recolor();
}

/** Which points stand out: those found, else those chosen. */
const focus = () => (app.query.trim() !== "" ? FOUND : app.chosen > 0 ? CHOSEN : 0);

function marksChanged() {
	renderer.marks(inOrder(app.marks));
	invalidate();
}

function drawPoints(points, ratio) {
	const { radius, opacity } = currentStyle();
	const ground = channels(tones().ground);
	// A few among many are found with the eye only if they are large.
	const isFew = (focus() === FOUND ? app.found : app.chosen) < 5000;
	renderer.draw({
		width: Math.round(view.width * ratio), height: Math.round(view.height * ratio),
		x: view.x, y: view.y, scale: view.scale * ratio,
		radius: radius * ratio, focusRadius: Math.max(radius * 1.25, isFew ? 3 : 0) * ratio, rim: radius >= 2.5 ? 0.6 * ratio : 0,
		// Fewer points stand for all, each a little more visible.
		opacity: Math.min(1, opacity * Math.sqrt(n / Math.max(points, 1))),
		dimming: 0.1, focus: focus(), mixing: mixing?.share ?? 1, ground, points,
	});
}

function moved() {
	lastMove = performance.now();
	if (app.hover >= 0) showTooltip();
	invalidate();
	saveLater();
}

/** Asks for a new frame. */
function invalidate() {
	isStale = true;
	invalidateMarks();
}

/** Asks for a new overlay alone. */
function invalidateMarks() {
	if (isScheduled || !renderer) return;
	isScheduled = true;
	requestAnimationFrame(frame);
}

function frame(now) {
	isScheduled = false;
	advance(now);
	advanceMixing(now);
	const isMoving = flight !== null || mixing !== null || performance.now() - lastMove < 120;
	if (isMoving && isStale && lastFrame > 0) {
		const pace = now - lastFrame;
		if (pace > 45) affordable = Math.max(20000, affordable * 0.7);
		else if (pace < 22) affordable = Math.min(n, affordable * 1.2);
	}
	const points = isMoving ? Math.min(n, Math.round(affordable)) : n;
	if (isStale) {
		drawPoints(points, devicePixelRatio);
		wasPartial = points < n;
		isStale = false;
	}
	drawOverlay(tones(), currentStyle().radius);
	page.dataset.state = "drawn";
	lastFrame = isMoving ? now : 0;
	if (flight || mixing) invalidate();
	else if (wasPartial) setTimeout(invalidate, 130);
}

// Steps of the descent.

const grids = new Map();

function currentGrid() {
	if (!grids.has(app.step)) {
		grids.clear();
		grids.set(app.step, new Grid(steps[app.step].positions));
	}
	return grids.get(app.step);
}

function showPositions(from = app.step) {
	const [a, b] = [from, app.step].map((k) => inOrder(steps[k].positions, 2));
	renderer.positions(a, from === app.step ? a : b);
}

function setStep(step) {
	const from = app.step;
	if (step === from) return;
	app.step = step;
	setHover(-1);
	showPositions(from);
	mixing = isStill.matches ? null : { start: performance.now(), share: 0 };
	byId("step").value = step;
	put("step-name", steps[step].name);
	invalidate();
	saveLater();
}

function advanceMixing(now) {
	if (!mixing) return;
	mixing.share = clamp((now - mixing.start) / 300, 0, 1);
	if (mixing.share < 1) return;
	mixing = null;
	showPositions();
}

let playing = 0;

function play() {
	const isPlaying = playing !== 0;
	clearInterval(playing);
	playing = 0;
	byId("play").setAttribute("aria-pressed", !isPlaying);
	if (isPlaying) return;
	if (app.step === lastStep) setStep(0);
	playing = setInterval(() => (app.step === lastStep ? play() : setStep(app.step + 1)), 400);
}

// Set up.

function listen() {
	for (const tool of TOOLS) on(`tool-${tool}`, "click", () => setTool(tool));
	on("zoom-in", "click", () => zoomAt(view.width / 2, view.height / 2, 1.6));
	on("zoom-out", "click", () => zoomAt(view.width / 2, view.height / 2, 1 / 1.6));
	on("home", "click", home);
	on("theme", "click", toggleTheme);
	on("show-help", "click", () => byId("help").showModal());
	on("notice-close", "click", () => (byId("notice").hidden = true));
	on("fold", "click", () => {
		const isFolded = page.toggleAttribute("data-folded");
		byId("fold").setAttribute("aria-expanded", !isFolded);
	});
	const change = (id, type, act) => on(id, type, (event) => {
		act(event.target);
		invalidate();
		saveLater();
	});
	change("size", "input", ({ value }) => (app.size = Number(value)));
	change("opacity", "input", ({ value }) => (app.opacity = Number(value)));
	change("names", "change", ({ checked }) => (app.hasNames = checked));
	on("step", "input", (event) => setStep(Number(event.target.value)));
	on("play", "click", play);
	isDarkSystem.addEventListener("change", themeChanged);
	addEventListener("hashchange", () => {
		restore();
		showState();
	});
	new ResizeObserver(resize).observe(stage);
	// The first search under the pointer would wait for it.
	setTimeout(currentGrid, 300);
}

/** Brings the page in line with what the address says. */
function showState() {
	setTool(app.tool);
	byId("size").value = app.size;
	byId("opacity").value = app.opacity;
	byId("names").checked = app.hasNames;
	byId("step").value = app.step;
	put("step-name", steps[app.step].name);
	page.dataset.theme = theme();
	showPositions();
	setColoring(app.coloring);
	setQuery(app.query);
	showPins();
}

function start() {
	put("title", scene.title);
	put("caption", scene.caption);
	byId("facts").replaceChildren(...factList(scene.facts).children);
	byId("facts-section").hidden = scene.facts.length === 0;
	byId("ids-note").hidden = !scene.idsLeftOut;
	byId("names-row").hidden = classColorings.length === 0;
	byId("steps").hidden = steps.length === 1;
	byId("step").max = lastStep;
	resize();
	if (new URLSearchParams(location.hash.slice(1)).get("renderer") === "canvas") app.renderer = "canvas";
	restore();
	startRenderer(app.renderer ? "the address asks for it" : "");
	listen();
	showState();
}
