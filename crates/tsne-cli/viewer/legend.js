// What the colors mean: a list of classes to switch on and off, or a bar for numbers.

/** Entries of the list at most; those beyond are found by its filter. */
const MAX_ENTRIES = 400;

function setColoring(k) {
	app.coloring = k;
	app.emphasis = -1;
	byId("coloring").value = k;
	renderer.slots(inOrder(colorings[k].slots));
	recolor();
	byId("class-filter").value = "";
	showLegend();
	showSelection();
	say(`colored by ${colorings[k].name}`);
}

/** Hands the colors to the renderer: four bytes a slot, opacity 0 for what is hidden. */
function recolor() {
	const coloring = current();
	const { plain, ramp, missing } = scene[theme()];
	const colors = coloring.codes ? coloring[theme()] : coloring.isPlain ? [plain] : [...ramp, missing];
	const size = Math.min(colors.length, 65536);
	const out = new Uint8Array(size * 4);
	for (let slot = 0; slot < size; slot++) {
		out.set(channels(colors[slot]), slot * 4);
		const isFaint = app.emphasis >= 0 && app.emphasis !== slot;
		out[slot * 4 + 3] = coloring.hidden?.has(slot) ? 0 : isFaint ? 24 : 255;
	}
	renderer.palette(out, size);
	invalidate();
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Whether a point is shown: its class is not switched off. */
function isVisible(i) {
	const { hidden, slots } = current();
	return !hidden || !hidden.has(slots[i]);
}

function showLegend() {
	const coloring = current();
	byId("legend").hidden = !coloring.codes;
	byId("bar").hidden = coloring.codes || coloring.isPlain;
	if (coloring.codes) showClasses(coloring);
	else if (!coloring.isPlain) showBar(coloring);
	summarize();
}

function showClasses(coloring) {
	byId("class-filter").hidden = coloring.texts.length <= 20;
	const wanted = byId("class-filter").value.toLowerCase();
	const found = coloring.shown.filter((code) => coloring.texts[code].toLowerCase().includes(wanted));
	const colors = coloring[theme()];
	byId("classes").replaceChildren(...found.slice(0, MAX_ENTRIES).map((code) => {
		const button = make("button", "", { type: "button", "aria-pressed": !coloring.hidden.has(code), "data-code": code });
		const swatch = make("i", "", { "aria-hidden": "true" });
		swatch.style.background = colors[code];
		const text = shownText(coloring.texts[code]);
		const name = make("span", shortened(text, 400), { title: shortened(text, 400) });
		button.append(swatch, name, make("small", count(coloring.counts[code])));
		return item(button);
	}));
	const rest = found.length - MAX_ENTRIES;
	put("classes-note", rest > 0 ? `and ${count(rest)} more: type to find them` : "");
	countShown();
}

function countShown() {
	const { texts, hidden } = current();
	put("class-count", `${count(texts.length - hidden.size)} of ${count(texts.length)} shown`);
}

/** Keeps the entries, so that the second click of a double click finds them. */
function hiddenChanged() {
	const coloring = current();
	for (const button of byId("classes").querySelectorAll("button")) {
		button.setAttribute("aria-pressed", !coloring.hidden.has(Number(button.dataset.code)));
	}
	countShown();
	setHover(-1);
	recolor();
	summarize();
	saveLater();
}

function toggleClass(code) {
	const { hidden, texts } = current();
	if (!hidden.delete(code)) hidden.add(code);
	say(`${shownText(texts[code])} ${hidden.has(code) ? "hidden" : "shown"}`);
	hiddenChanged();
}

/** Shows one class alone, or all again if it is alone already. */
function isolateClass(code) {
	const coloring = current();
	const isAlone = coloring.hidden.size === coloring.texts.length - 1 && !coloring.hidden.has(code);
	coloring.hidden = new Set(isAlone ? [] : coloring.shown.filter((other) => other !== code));
	say(isAlone ? "all classes shown" : `only ${shownText(coloring.texts[code])} shown`);
	hiddenChanged();
}

function showBar(coloring) {
	const stops = scene[theme()].ramp.filter((_, k) => k % 17 === 0 || k === RAMP - 1);
	byId("ramp").style.background = `linear-gradient(to right, ${stops.join()})`;
	put("ramp-low", coloring.value ? number(coloring.low) : "sparse");
	put("ramp-high", coloring.value ? number(coloring.high) : "dense");
	byId("missing-swatch").style.background = scene[theme()].missing;
	byId("ramp-missing").hidden = !coloring.missing;
	put("ramp-missing-count", count(coloring.missing ?? 0));
}

/** The map in words, for those who do not see it. */
function summarize() {
	const coloring = current();
	const words = [`${scene.title}: a map of ${plural(n, "point")}, colored by ${coloring.name}.`];
	if (coloring.codes) {
		const largest = [...coloring.shown].sort((a, b) => coloring.counts[b] - coloring.counts[a]).slice(0, 10);
		const parts = largest.map((code) => `${shortened(shownText(coloring.texts[code]), 60)} (${count(coloring.counts[code])})`);
		words.push(`${count(coloring.texts.length)} classes, the largest are ${parts.join(", ")}.`);
		if (coloring.hidden.size > 0) words.push(`${count(coloring.hidden.size)} classes are hidden.`);
	}
	if (coloring.value) words.push(`Colors go from ${number(coloring.low)} to ${number(coloring.high)}.`);
	words.push(scene.caption);
	put("summary", words.join(" "));
}

const codeUnder = (event) => Number(event.target.closest("[data-code]")?.dataset.code ?? -1);

function emphasize(code) {
	if (code === app.emphasis) return;
	app.emphasis = code;
	recolor();
}

on("classes", "click", (event) => {
	const code = codeUnder(event);
	if (code < 0) return;
	// For keys, which have no double click.
	if (event.shiftKey) isolateClass(code);
	else toggleClass(code);
});
on("classes", "dblclick", (event) => codeUnder(event) >= 0 && isolateClass(codeUnder(event)));
on("classes", "pointerover", (event) => event.pointerType === "mouse" && emphasize(codeUnder(event)));
on("classes", "pointerleave", () => emphasize(-1));
on("class-filter", "input", () => showClasses(current()));
on("classes-all", "click", () => {
	current().hidden.clear();
	hiddenChanged();
});
on("classes-none", "click", () => {
	current().hidden = new Set(current().shown);
	hiddenChanged();
});
byId("coloring").append(...colorings.map((coloring, k) => make("option", shortened(coloring.name, 60), { value: k })));
on("coloring", "change", (event) => {
	setColoring(Number(event.target.value));
	saveLater();
});
