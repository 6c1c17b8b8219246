// Points drawn by the processor, where there is no WebGL2: the same discs, pixel by pixel.

/** A renderer like that of webgl.js. */
function canvasRenderer(canvas) {
	const context = canvas.getContext("2d", { alpha: false });
	let image = null;
	let places, slots, marks, palette;

	/** How much of each pixel around a disc's middle it covers. */
	function stamp(radius) {
		const reach = Math.ceil(radius + 0.5);
		const side = 2 * reach + 1;
		const share = new Float32Array(side * side);
		for (let k = 0; k < side * side; k++) {
			const distance = Math.hypot((k % side) - reach, Math.floor(k / side) - reach);
			share[k] = clamp(radius - distance + 0.5, 0, 1);
		}
		return { reach, side, share };
	}

	function lay(pixels, width, height, { reach, side, share }, px, py, r, g, b, opacity) {
		for (let v = Math.max(0, reach - py); v < Math.min(side, height + reach - py); v++) {
			for (let u = Math.max(0, reach - px); u < Math.min(side, width + reach - px); u++) {
				const over = share[v * side + u] * opacity;
				const at = ((py + v - reach) * width + px + u - reach) * 4;
				pixels[at] += (r - pixels[at]) * over;
				pixels[at + 1] += (g - pixels[at + 1]) * over;
				pixels[at + 2] += (b - pixels[at + 2]) * over;
			}
		}
	}

	return {
		name: "Canvas2D",
		// Steps follow each other without a motion between them.
		positions: (_, to) => (places = to),
		slots: (array) => (slots = array),
		marks: (array) => (marks = array),
		palette: (colors) => (palette = colors),
		draw({ width, height, x, y, scale, radius, focusRadius, rim, opacity, dimming, focus, ground, points }) {
			if (canvas.width !== width || canvas.height !== height || !image) {
				[canvas.width, canvas.height] = [width, height];
				image = context.createImageData(width, height);
			}
			const pixels = image.data;
			new Uint32Array(pixels.buffer).fill(((255 << 24) | (ground[2] << 16) | (ground[1] << 8) | ground[0]) >>> 0);
			for (const isBehind of focus === 0 ? [false] : [true, false]) {
				const size = focus === 0 || isBehind ? radius : focusRadius;
				const disc = stamp(size);
				const rimmed = rim > 0 ? stamp(size + rim) : null;
				const margin = disc.reach + 1;
				for (let k = 0; k < points; k++) {
					const isDim = focus !== 0 && (marks[k] & focus) === 0;
					if (focus !== 0 && isDim !== isBehind) continue;
					const entry = slots[k] * 4;
					if (palette[entry + 3] === 0) continue;
					const px = Math.floor((places[2 * k] - x) * scale + width / 2);
					const py = Math.floor((y - places[2 * k + 1]) * scale + height / 2);
					if (px < -margin || py < -margin || px > width + margin || py > height + margin) continue;
					const strength = ((opacity * palette[entry + 3]) / 255) * (isDim ? dimming : 1);
					if (rimmed) lay(pixels, width, height, rimmed, px, py, ground[0], ground[1], ground[2], strength);
					lay(pixels, width, height, disc, px, py, palette[entry], palette[entry + 1], palette[entry + 2], strength);
				}
			}
			context.putImageData(image, 0, 0);
		},
	};
}
