// The address of the page: everything that is not as it opened.

let saving = 0;

function saveLater() {
	clearTimeout(saving);
	saving = setTimeout(save, 250);
}

function save() {
	const parts = new URLSearchParams();
	const start = framing(extent);
	const isHome = Math.abs(view.scale / start.scale - 1) < 1e-3 && Math.hypot(view.x - start.x, view.y - start.y) * view.scale < 1;
	if (!isHome) parts.set("view", [view.x.toFixed(1), view.y.toFixed(1), zoom().toPrecision(5)].join());
	colorings.forEach((coloring, k) => {
		if (!coloring.hidden?.size) return;
		const shown = coloring.shown.filter((code) => !coloring.hidden.has(code));
		const [name, codes] = shown.length < coloring.hidden.size ? ["only", shown] : ["hide", [...coloring.hidden]];
		parts.set(name + k, codes.join());
	});
	const others = {
		color: app.coloring, find: app.query, pin: app.pins.join(), step: app.step === lastStep ? "" : String(app.step),
		size: app.size, opacity: app.opacity, theme: app.theme, names: app.hasNames ? "" : "off", renderer: app.renderer,
	};
	for (const [name, value] of Object.entries(others)) if (value) parts.set(name, value);
	const hash = `#${parts}`.replaceAll("%2C", ",");
	if (hash === (location.hash || "#")) return;
	try {
		history.replaceState(null, "", hash);
	} catch {
		location.replace(hash);
	}
}

/** Takes over what an address says; what it does not say or says wrongly is as the page opened. */
function restore() {
	const parts = new URLSearchParams(location.hash.slice(1));
	const list = (name) => (parts.get(name) ?? "").split(",").filter((x) => x !== "").map(Number);
	const whole = (x, below) => Number.isInteger(x) && x >= 0 && x < below;
	const within = (name, low, high) => clamp(Number(parts.get(name)) || 0, low, high);
	const color = Number(parts.get("color") ?? 0);
	app.coloring = whole(color, colorings.length) ? color : 0;
	colorings.forEach((coloring, k) => {
		if (!coloring.hidden) return;
		const [only, hide] = ["only", "hide"].map((name) => new Set(list(name + k)));
		coloring.hidden = new Set(coloring.shown.filter((code) => hide.has(code) || (parts.has(`only${k}`) && !only.has(code))));
	});
	app.pins = list("pin").filter((i) => whole(i, n)).slice(0, 50);
	const step = Number(parts.get("step") ?? lastStep);
	app.step = whole(step, steps.length) ? step : lastStep;
	app.size = within("size", -2, 2);
	app.opacity = within("opacity", -2, 2);
	app.theme = ["light", "dark"].includes(parts.get("theme")) ? parts.get("theme") : "";
	app.hasNames = parts.get("names") !== "off";
	app.query = parts.get("find") ?? "";
	const [x, y, closeness] = list("view");
	const target = [x, y, closeness].every(Number.isFinite) && closeness > 0 ? { x, y, scale: homeScale() * closeness } : framing(extent);
	look(target);
}
