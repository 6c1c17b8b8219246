// Points chosen by an outline: how many, of which classes, and as a file.

const CHOSEN = 1;

/** Whether a place is inside a closed outline (even-odd). */
function isInside(outline, x, y) {
	let inside = false;
	for (let k = 0, last = outline.length - 1; k < outline.length; last = k++) {
		const [ax, ay] = outline[k];
		const [bx, by] = outline[last];
		if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
	}
	return inside;
}

/** Chooses the visible points in an outline in map units. */
function selectWithin(outline, adds) {
	if (!adds) app.marks.forEach((mark, i) => (app.marks[i] = mark & ~CHOSEN));
	const { positions } = steps[app.step];
	const [xs, ys] = [0, 1].map((axis) => outline.map((corner) => corner[axis]));
	currentGrid().within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
		if (isInside(outline, positions[2 * i], positions[2 * i + 1]) && isVisible(i)) app.marks[i] |= CHOSEN;
	});
	app.chosen = chosen().length;
	marksChanged();
	showSelection();
	say(`${plural(app.chosen, "point")} selected`);
}

function clearSelection() {
	if (app.chosen === 0) return;
	app.marks.forEach((mark, i) => (app.marks[i] = mark & ~CHOSEN));
	app.chosen = 0;
	marksChanged();
	showSelection();
}

/** Rows of the chosen points, in order. */
function chosen() {
	const rows = [];
	for (let i = 0; i < n; i++) if (app.marks[i] & CHOSEN) rows.push(i);
	return rows;
}

function showSelection() {
	byId("selection-section").hidden = app.chosen === 0;
	if (app.chosen === 0) return;
	const rows = chosen();
	put("selection-count", `${plural(rows.length, "point")} selected`);
	const shown = current();
	const coloring = shown.codes ? shown : classColorings[0];
	byId("histogram").replaceChildren(...(coloring ? classBars(coloring, rows) : []));
	put("selection-values", shown.value ? rangeOf(shown, rows) : "");
}

function classBars(coloring, rows) {
	const counts = new Map();
	for (const i of rows) counts.set(coloring.codes[i], (counts.get(coloring.codes[i]) ?? 0) + 1);
	const bars = [...counts].sort((a, b) => b[1] - a[1]);
	const items = bars.slice(0, 12).map(([code, m]) => {
		const name = shortened(shownText(coloring.texts[code]), 200);
		const bar = make("i", "", { "aria-hidden": "true" });
		bar.style.width = `${(100 * m) / bars[0][1]}%`;
		bar.style.background = coloring[theme()][code];
		const share = (100 * m) / rows.length;
		return item(make("span", name, { title: name }), make("small", `${count(m)} \u00b7 ${share >= 10 ? Math.round(share) : share.toPrecision(2)} %`), bar);
	});
	if (bars.length > 12) items.push(make("li", `and ${count(bars.length - 12)} classes more`));
	return items;
}

function rangeOf(coloring, rows) {
	const values = rows.map(coloring.value).filter((x) => !Number.isNaN(x));
	if (values.length === 0) return `${coloring.name}: all missing`;
	const mean = values.reduce((sum, x) => sum + x / values.length, 0);
	const [low, high] = values.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
	return `${coloring.name}: ${number(low)} to ${number(high)}, mean ${number(mean)}`;
}

/** A field of a CSV file, quoted where it must be. */
const field = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The chosen points as CSV: row counted from 0, id, and every column that comes with the map. */
function selectionCsv() {
	const columns = colorings.filter((coloring) => coloring.codes || coloring.value);
	const lines = [["row", ...(ids ? ["id"] : []), ...columns.map((column) => column.name)]];
	for (const i of chosen()) {
		const cells = columns.map((column) =>
			column.codes ? column.texts[column.codes[i]]
			: Number.isNaN(column.value(i)) ? "" : String(Number(column.value(i).toPrecision(7))),
		);
		lines.push([String(i), ...(ids ? [ids[i]] : []), ...cells]);
	}
	return lines.map((cells) => cells.map(field).join(",") + "\r\n").join("");
}

function download(blob, suffix) {
	const name = scene.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "map";
	const link = make("a", "", { download: `${name}${suffix}`, href: URL.createObjectURL(blob) });
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

on("selection-csv", "click", () => download(new Blob([selectionCsv()], { type: "text/csv" }), "-selection.csv"));
on("selection-zoom", "click", () => flyToPoints((see) => chosen().forEach(see)));
on("selection-clear", "click", clearSelection);
