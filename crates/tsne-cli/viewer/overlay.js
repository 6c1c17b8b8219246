// What lies over the points: names of classes, rings around points, the outline being drawn; and the tooltip.

const overlay = byId("overlay");
const pen = overlay.getContext("2d");
const tooltip = byId("tooltip");

/** Names of classes at their densest place, or none where there are too many classes. */
function currentLabels() {
	const coloring = current();
	if (!coloring.codes || coloring.texts.length > 300 || app.step !== lastStep) return [];
	coloring.labels ??= labelsOf(coloring, steps[lastStep].positions);
	return coloring.labels.filter(({ code }) => !coloring.hidden.has(code) && (app.emphasis < 0 || app.emphasis === code));
}

const shortened = (text, most) => (text.length <= most ? text : `${text.slice(0, most / 2)}\u2026${text.slice(-most / 2 + 1)}`);

/** Text with a halo, so that it can be read over points. */
function write(context, tone, size, text, px, py) {
	context.font = `600 ${size}px system-ui, sans-serif`;
	context.lineJoin = "round";
	context.strokeStyle = tone.halo;
	context.lineWidth = 4;
	context.strokeText(text, px, py);
	context.fillStyle = tone.ink;
	context.fillText(text, px, py);
}

/** Draws names where there is room, larger classes first; closer up there is room for more. */
function drawNames(context, tone) {
	const labels = currentLabels();
	const size = labels.length <= 12 ? 16 : 13;
	context.font = `600 ${size}px system-ui, sans-serif`;
	context.textAlign = "center";
	context.textBaseline = "middle";
	const taken = [];
	for (const label of labels) {
		const [px, py] = toScreen(label.x, label.y);
		const text = shortened(label.text, 32);
		const half = context.measureText(text).width / 2 + 3;
		const box = [px - half, py - size * 0.7, px + half, py + size * 0.7];
		if (box[2] < 0 || box[3] < 0 || box[0] > view.width || box[1] > view.height) continue;
		if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
		taken.push(box);
		write(context, tone, size, text, px, py);
	}
}

function ring(context, tone, i, radius, width) {
	const { positions } = steps[app.step];
	const [px, py] = toScreen(positions[2 * i], positions[2 * i + 1]);
	context.beginPath();
	context.arc(px, py, radius, 0, 2 * Math.PI);
	context.strokeStyle = tone.halo;
	context.lineWidth = width + 2;
	context.stroke();
	context.strokeStyle = tone.ink;
	context.lineWidth = width;
	context.stroke();
	return [px, py];
}

/** Names and rings, on the screen or on an exported picture. */
function drawMarks(context, tone, radius) {
	if (app.hasNames) drawNames(context, tone);
	app.pins.forEach((i, k) => {
		const [px, py] = ring(context, tone, i, radius + 5, 2);
		context.textAlign = "left";
		write(context, tone, 11, k + 1, px + radius + 7, py - radius - 3);
	});
}

function drawOverlay(tone, radius) {
	const ratio = devicePixelRatio;
	const [width, height] = [view.width, view.height].map((side) => Math.round(side * ratio));
	if (overlay.width !== width || overlay.height !== height) [overlay.width, overlay.height] = [width, height];
	pen.setTransform(ratio, 0, 0, ratio, 0, 0);
	pen.clearRect(0, 0, view.width, view.height);
	drawMarks(pen, tone, radius);
	if (app.hover >= 0) ring(pen, tone, app.hover, radius + 3, 1.5);
	if (!app.outline) return;
	pen.beginPath();
	app.outline.forEach(([px, py]) => pen.lineTo(px, py));
	pen.closePath();
	pen.fillStyle = tone.wash;
	pen.fill();
	pen.strokeStyle = tone.accent;
	pen.lineWidth = 1.5;
	pen.stroke();
}

/** A list of names and texts; whatever they hold is shown, never parsed. */
function factList(facts) {
	const list = make("dl");
	for (const [name, text] of facts) list.append(make("dt", name), make("dd", shortened(text, 400)));
	return list;
}

/** An element with text and attributes. */
function make(tag, text = "", attributes = {}) {
	const element = document.createElement(tag);
	element.textContent = text;
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
}

const item = (...parts) => {
	const element = make("li");
	element.append(...parts);
	return element;
};

function showTooltip() {
	const i = app.hover;
	tooltip.hidden = i < 0;
	if (i < 0) return;
	tooltip.replaceChildren(make("strong", shortened(nameOf(i), 200)), factList(factsOf(i)));
	const { positions } = steps[app.step];
	const [px, py] = toScreen(positions[2 * i], positions[2 * i + 1]);
	const { offsetWidth: width, offsetHeight: height } = tooltip;
	const left = px + 16 + width < view.width ? px + 16 : px - 16 - width;
	tooltip.style.left = `${clamp(left, 4, Math.max(4, view.width - width - 4))}px`;
	tooltip.style.top = `${clamp(py - height / 2, 4, Math.max(4, view.height - height - 4))}px`;
}
