// The view as a picture in a file.

/** Draws the view as it is, with title and legend, twice as fine as the screen shows it. */
function picture() {
	const ratio = 2;
	const tone = tones();
	const coloring = current();
	const entries = coloring.codes ? coloring.shown.filter((code) => !coloring.hidden.has(code)).slice(0, 40) : [];
	const side = coloring.isPlain ? 0 : 220;
	const sheet = document.createElement("canvas");
	sheet.width = (view.width + side) * ratio;
	sheet.height = (view.height + 76) * ratio;
	const context = sheet.getContext("2d");
	context.fillStyle = tone.ground;
	context.fillRect(0, 0, sheet.width, sheet.height);
	drawPoints(n, ratio);
	context.drawImage(renderer.canvas, 0, 44 * ratio);
	invalidate();
	context.scale(ratio, ratio);
	const line = (text, x, y, font, color, room) => {
		context.font = `${font} system-ui, sans-serif`;
		context.fillStyle = color;
		context.textAlign = "left";
		context.textBaseline = "alphabetic";
		let shown = text;
		while (shown.length > 2 && context.measureText(shown).width > room) shown = shortened(text, Math.floor(shown.length * 0.9));
		context.fillText(shown, x, y);
	};
	context.save();
	context.translate(0, 44);
	drawMarks(context, tone, currentStyle().radius);
	context.restore();
	const width = view.width + side;
	line(scene.title, 20, 30, "600 18px", tone.ink, width - 40);
	line(scene.caption, 20, view.height + 64, "13px", tone.faint, width - 40);
	const left = view.width + 12;
	if (side > 0) line(coloring.name, left, 62, "600 13px", tone.ink, side - 30);
	const gap = Math.min(24, (view.height - 40) / Math.max(entries.length, 1));
	entries.forEach((code, k) => {
		context.beginPath();
		context.arc(left + 6, 84 + k * gap, Math.min(6, gap / 2.2), 0, 2 * Math.PI);
		context.fillStyle = coloring[theme()][code];
		context.fill();
		line(shownText(coloring.texts[code]), left + 20, 84 + k * gap + 4, `${Math.min(13, gap)}px`, tone.ink, side - 44);
	});
	if (!coloring.codes && side > 0) {
		scene[theme()].ramp.forEach((color, k) => {
			context.fillStyle = color;
			context.fillRect(left + (k * (side - 40)) / RAMP, 74, (side - 40) / RAMP + 1, 12);
		});
		line(byId("ramp-low").textContent, left, 102, "12px", tone.ink, 80);
		line(byId("ramp-high").textContent, left + side - 100, 102, "12px", tone.ink, 80);
	}
	return sheet;
}

on("save-picture", "click", () => picture().toBlob((blob) => blob && download(blob, ".png")));
