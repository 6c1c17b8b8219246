// The contents of the file: positions, colorings, ids; and what is computed from them.
// A point is its row, counted from 0. A map unit is 1/65535 of the side of the square around the map; y points upwards.

const UNITS = 65535;
/** Slots of the palette that a continuous coloring uses; the one after them is for missing values. */
const RAMP = 255;

const page = document.documentElement;
const byId = (id) => document.getElementById(id);
const put = (id, text) => (byId(id).textContent = text);
const on = (id, type, act) => byId(id).addEventListener(type, act);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const count = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

function take(id) {
	const element = byId(id);
	const content = element.textContent;
	element.remove();
	return content;
}

function bytes(id) {
	const encoded = take(id);
	if (Uint8Array.fromBase64) return Uint8Array.fromBase64(encoded);
	const binary = atob(encoded);
	const out = new Uint8Array(binary.length);
	for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
	return out;
}

const scene = JSON.parse(take("scene"));
const ids = scene.hasIds ? JSON.parse(take("ids")) : null;
const n = scene.points;

/** Steps of the descent, oldest first; the last is the map itself. */
const steps = scene.steps.map((step, k) => ({
	name: step.name,
	positions: new Uint16Array(bytes(`positions-${k}`).buffer),
}));
const lastStep = steps.length - 1;

/** Order in which points are drawn: mixed up, so that no class covers another and any beginning is a fair sample. */
const order = (() => {
	const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));
	let stride = Math.max(1, Math.round(n * 0.6180339887498949));
	while (gcd(stride, n) > 1) stride++;
	const out = new Uint32Array(n);
	for (let k = 0, i = 0; k < n; k++, i = (i + stride) % n) out[k] = i;
	return out;
})();

/** An array of points in the order of drawing. */
function inOrder(values, width = 1) {
	const out = new values.constructor(values.length);
	for (let k = 0; k < n; k++) for (let c = 0; c < width; c++) out[k * width + c] = values[order[k] * width + c];
	return out;
}

// Colorings: { name, slots, ... }; the slot of a point is its place in the palette. Those of classes have `codes`, those
// of numbers `value`; the density has neither, and a map in one color has `isPlain`.
const colorings = scene.colorings.map((coloring, k) =>
	coloring.kind === "classes" ? classesOf(coloring, bytes(`coloring-${k}`)) : valuesOf(coloring, bytes(`coloring-${k}`)),
);
if (colorings.length === 0) colorings.push({ isPlain: true, name: "one color", slots: new Uint16Array(n) });
if (n > 1) colorings.push(densityOf());
const classColorings = colorings.filter((coloring) => coloring.codes);

function classesOf({ name, texts, light, dark, order: shown, width }, raw) {
	const codes = width === 1 ? raw : width === 2 ? new Uint16Array(raw.buffer) : new Uint32Array(raw.buffer);
	const counts = new Uint32Array(texts.length);
	const slots = new Uint16Array(n);
	for (let i = 0; i < n; i++) {
		counts[codes[i]]++;
		slots[i] = Math.min(codes[i], 65535);
	}
	return { name, texts, light, dark, shown, codes, counts, slots, hidden: new Set() };
}

function valuesOf({ name, low, high }, raw) {
	// Fractions of the range, not values: they keep their digits whatever the range is.
	const fractions = new Float32Array(raw.buffer);
	const value = (i) => low * (1 - fractions[i]) + high * fractions[i];
	const slots = new Uint16Array(n);
	let missing = 0;
	for (let i = 0; i < n; i++) {
		const isMissing = Number.isNaN(fractions[i]);
		missing += isMissing;
		slots[i] = isMissing ? RAMP : Math.round((high > low ? fractions[i] : 0.5) * (RAMP - 1));
	}
	const text = (i) => (Number.isNaN(fractions[i]) ? "no value" : number(value(i)));
	return { name, slots, missing, value, text, low, high };
}

/** A number with six digits, without the noise of the last. */
function number(x) {
	if (x === 0) return "0";
	const size = Math.abs(x);
	const text = size >= 1e7 || size < 1e-4 ? x.toExponential(5) : String(Number(x.toPrecision(6)));
	return text.replace(/\.?0+e/, "e").replace(/^-/, "\u2212");
}

const nameOf = (i) => (ids ? shownText(ids[i]) : `row ${count(i)}`);
const shownText = (text) => (text.trim() === "" ? "(empty)" : text);

/** What is known about a point: pairs of name and text. */
function factsOf(i) {
	const facts = ids ? [["row", count(i)]] : [];
	for (const coloring of colorings) {
		if (coloring.codes) facts.push([coloring.name, shownText(coloring.texts[coloring.codes[i]])]);
		if (coloring.value) facts.push([coloring.name, coloring.text(i)]);
	}
	return facts;
}
