// Where points are: cells of square grids, the point nearest to a place, density, places for the names of classes.

/** The cell of each point in a grid with so many cells a side. */
function cells(positions, side) {
	const cell = (UNITS + 1) / side;
	return (i) => Math.floor(positions[2 * i + 1] / cell) * side + Math.floor(positions[2 * i] / cell);
}

/** How many points are near each, on a logarithmic scale: a coloring that every map has. */
function densityOf() {
	const side = clamp(Math.round(Math.sqrt(n) / 2), 8, 512);
	const cellOf = cells(steps[lastStep].positions, side);
	let field = new Float64Array(side * side);
	for (let i = 0; i < n; i++) field[cellOf(i)]++;
	for (let pass = 0; pass < 2; pass++) field = blurred(field, side);
	let most = 0;
	for (let i = 0; i < n; i++) most = Math.max(most, field[cellOf(i)]);
	const slots = new Uint16Array(n);
	const scale = (RAMP - 1) / Math.log1p(most);
	for (let i = 0; i < n; i++) slots[i] = Math.round(Math.log1p(field[cellOf(i)]) * scale);
	return { name: "density", slots };
}

/** Means of 3 x 3 cells. */
function blurred(field, side) {
	const out = new Float64Array(side * side);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) {
			let sum = 0;
			for (let v = Math.max(0, y - 1); v <= Math.min(side - 1, y + 1); v++)
				for (let u = Math.max(0, x - 1); u <= Math.min(side - 1, x + 1); u++) sum += field[v * side + u];
			out[y * side + x] = sum / 9;
		}
	}
	return out;
}

/** Points by cells of a square grid, some four to a cell, for finding the one under the pointer. */
class Grid {
	constructor(positions) {
		this.positions = positions;
		this.side = clamp(Math.ceil(Math.sqrt(n) / 2), 1, 1024);
		this.cell = (UNITS + 1) / this.side;
		this.starts = new Uint32Array(this.side * this.side + 1);
		this.points = new Uint32Array(n);
		const cellOf = cells(positions, this.side);
		for (let i = 0; i < n; i++) this.starts[cellOf(i) + 1]++;
		for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1] += this.starts[c];
		const next = this.starts.slice();
		for (let i = 0; i < n; i++) this.points[next[cellOf(i)]++] = i;
	}

	at(coordinate) {
		return clamp(Math.floor(coordinate / this.cell), 0, this.side - 1);
	}

	/** Calls `visit` with the points of all cells that a rectangle touches. */
	within(left, bottom, right, top, visit) {
		for (let row = this.at(bottom); row <= this.at(top); row++) {
			const first = row * this.side;
			const end = this.starts[first + this.at(right) + 1];
			for (let k = this.starts[first + this.at(left)]; k < end; k++) visit(this.points[k]);
		}
	}

	/** The nearest point within `radius` that `isWanted`, or -1. */
	nearest(x, y, radius, isWanted) {
		let best = -1;
		let least = radius * radius;
		this.within(x - radius, y - radius, x + radius, y + radius, (i) => {
			const d2 = (this.positions[2 * i] - x) ** 2 + (this.positions[2 * i + 1] - y) ** 2;
			if (d2 <= least && (d2 < least || best < 0) && isWanted(i)) {
				best = i;
				least = d2;
			}
		});
		return best;
	}
}

/** For each class the place where it is densest, for its name: { code, text, x, y }, larger classes first. */
function labelsOf(coloring, positions) {
	const side = 40;
	const cellOf = cells(positions, side);
	const fields = coloring.texts.map(() => new Float64Array(side * side));
	for (let i = 0; i < n; i++) fields[coloring.codes[i]][cellOf(i)]++;
	const near = (a, b) => Math.abs((a % side) - (b % side)) <= 2 && Math.abs(Math.floor(a / side) - Math.floor(b / side)) <= 2;
	const modes = fields.map((field) => {
		let smooth = field;
		for (let pass = 0; pass < 4; pass++) smooth = blurred(smooth, side);
		return smooth.reduce((best, value, k) => (value > smooth[best] ? k : best), 0);
	});
	const sums = coloring.texts.map(() => [0, 0, 0]);
	for (let i = 0; i < n; i++) {
		const code = coloring.codes[i];
		if (!near(cellOf(i), modes[code])) continue;
		sums[code][0] += positions[2 * i];
		sums[code][1] += positions[2 * i + 1];
		sums[code][2]++;
	}
	return coloring.shown
		.filter((code) => sums[code][2] > 0)
		.sort((a, b) => coloring.counts[b] - coloring.counts[a])
		.map((code) => ({ code, text: shownText(coloring.texts[code]), x: sums[code][0] / sums[code][2], y: sums[code][1] / sums[code][2] }));
}
