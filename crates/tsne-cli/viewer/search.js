// Finding points by id, class or row; pinned points.

/** Results that are listed; all of them are highlighted. */
const MAX_RESULTS = 40;
const FOUND = 2;

let results = [];
let place = -1;

function setQuery(query) {
	app.query = query;
	byId("search").value = query;
	find();
	saveLater();
}

/** Marks every point whose id or one of whose classes has the text in it; "#12" and, without ids, "12" is row 12. */
function find() {
	const wanted = app.query.trim().toLowerCase();
	const mark = new Uint8Array(n);
	const classes = [];
	results = [];
	place = -1;
	if (wanted !== "") {
		for (const coloring of classColorings) {
			const isFound = coloring.texts.map((text) => text.toLowerCase().includes(wanted));
			if (!isFound.includes(true)) continue;
			const found = coloring.shown.filter((code) => isFound[code]).slice(0, MAX_RESULTS);
			classes.push(...found.map((code) => ({ coloring, code })));
			for (let i = 0; i < n; i++) if (isFound[coloring.codes[i]]) mark[i] = 1;
		}
		const row = /^#\d+$/.test(wanted) || (!ids && /^\d+$/.test(wanted)) ? Number(wanted.replace("#", "")) : -1;
		if (row >= 0 && row < n) {
			mark[row] = 1;
			results.push(row);
		}
		for (let i = 0; ids && i < n; i++) {
			if (i === row || !ids[i].toLowerCase().includes(wanted)) continue;
			mark[i] = 1;
			results.push(i);
		}
	}
	let total = 0;
	for (let i = 0; i < n; i++) {
		total += mark[i];
		app.marks[i] = (app.marks[i] & ~FOUND) | (mark[i] * FOUND);
	}
	app.found = total;
	marksChanged();
	showResults(wanted, classes);
}

function showResults(wanted, classes) {
	const rows = [];
	const row = (text, extra, act) => {
		const button = make("button", "", { type: "button" });
		button.append(make("span", shortened(text, 200)), make("small", extra));
		button.addEventListener("click", act);
		rows.push(item(button));
	};
	for (const { coloring, code } of classes) {
		const go = () => flyToPoints((see) => coloring.codes.forEach((other, i) => other === code && see(i)));
		row(`${coloring.name}: ${shownText(coloring.texts[code])}`, count(coloring.counts[code]), go);
	}
	results.slice(0, MAX_RESULTS).forEach((i, k) => row(nameOf(i), "", () => goTo(k)));
	byId("results").replaceChildren(...rows);
	const note = wanted === "" ? "" : `${plural(app.found, "point")} found`;
	put("results-note", note);
	if (note) say(note);
}

/** Flies to one result and shows what is known about it. */
function goTo(k) {
	place = k;
	flyToPoint(results[k]);
	setHover(results[k]);
	say(`${nameOf(results[k])}, result ${k + 1} of ${results.length}`);
}

/** The next or the previous result; a class that was found is framed as a whole. */
function stepResult(by) {
	if (results.length > 0) goTo((Math.max(place, by < 0 ? 0 : -1) + by + results.length) % results.length);
	else frameFound();
}

function frameFound() {
	flyToPoints((see) => app.marks.forEach((mark, i) => mark & FOUND && see(i)));
}

let typing = 0;
on("search", "input", (event) => {
	clearTimeout(typing);
	typing = setTimeout(() => setQuery(event.target.value), n > 100000 ? 250 : 80);
});
on("search", "keydown", (event) => {
	if (event.key === "Enter") {
		clearTimeout(typing);
		if (event.target.value !== app.query) setQuery(event.target.value);
		if (results.length === 1) goTo(0);
		else frameFound();
	} else if (event.key === "Escape") {
		setQuery("");
		overlay.focus();
	}
});

// Pins: points that stay marked, with what is known about them in the panel.

function togglePin(i) {
	app.pins = app.pins.includes(i) ? app.pins.filter((other) => other !== i) : [...app.pins, i].slice(-50);
	showPins();
	saveLater();
}

function showPins() {
	byId("pins-section").hidden = app.pins.length === 0;
	byId("pins").replaceChildren(...app.pins.map((i) => {
		const name = shortened(nameOf(i), 200);
		const go = make("button", name, { type: "button", class: "link" });
		go.addEventListener("click", () => flyToPoint(i));
		const drop = make("button", "\u00d7", { type: "button", class: "drop", "aria-label": `unpin ${name}` });
		drop.addEventListener("click", () => togglePin(i));
		return item(go, drop, factList(factsOf(i)));
	}));
	invalidateMarks();
}
