// Points drawn by the graphics card. Like canvas.js it gives a renderer:
// positions(from, to), slots(array), marks(array), palette(bytes, n), draw(frame); arrays are in the order of drawing.

const VERTEX = `#version 300 es
precision highp float;
precision highp int;
in vec2 from;
in vec2 to;
in uint slot;
in uint mark;
uniform vec2 center, scale;
uniform float mixing, radius, rim, opacity, dimming;
uniform uint focus;
uniform bool isBehind;
uniform sampler2D palette;
out vec4 color;
void main() {
	vec4 entry = texelFetch(palette, ivec2(slot & 255u, slot >> 8), 0);
	bool isDim = focus != 0u && (mark & focus) == 0u;
	if (entry.a == 0.0 || (focus != 0u && isDim != isBehind)) {
		gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
		return;
	}
	gl_Position = vec4((mix(from, to, mixing) - center) * scale, 0.0, 1.0);
	gl_PointSize = 2.0 * (radius + rim) + 1.0;
	color = vec4(entry.rgb, opacity * entry.a * (isDim ? dimming : 1.0));
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 color;
uniform float radius, rim;
uniform vec3 ground;
out vec4 pixel;
void main() {
	float distance = length(gl_PointCoord - 0.5) * (2.0 * (radius + rim) + 1.0);
	float inner = clamp(radius - distance + 0.5, 0.0, 1.0);
	float covered = clamp(radius + rim - distance + 0.5, 0.0, 1.0) * color.a;
	pixel = vec4(mix(ground, color.rgb, rim > 0.0 ? inner : 1.0) * covered, covered);
}`;

/** A renderer on a canvas. Throws an error that says why there is none. */
function webglRenderer(canvas) {
	let why = "this browser has no WebGL2, or it is switched off";
	canvas.addEventListener("webglcontextcreationerror", (event) => (why = event.statusMessage || why), { once: true });
	const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
	if (!gl) throw new Error(why);

	const program = gl.createProgram();
	for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
		const shader = gl.createShader(kind);
		gl.shaderSource(shader, source);
		gl.compileShader(shader);
		gl.attachShader(program, shader);
	}
	["from", "to", "slot", "mark"].forEach((name, place) => gl.bindAttribLocation(program, place, name));
	gl.linkProgram(program);
	if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
		throw new Error(`the shaders are refused: ${gl.getProgramInfoLog(program) || "no reason given"}`);
	}
	gl.useProgram(program);
	const set = (kind, name, ...values) => gl[`uniform${kind}`](gl.getUniformLocation(program, name), ...values);
	gl.enable(gl.BLEND);
	gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
	gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
	gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
	gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
	const buffers = [0, 1, 2, 3].map(() => gl.createBuffer());
	const largest = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1];

	function fill(place, array) {
		gl.bindBuffer(gl.ARRAY_BUFFER, buffers[place]);
		gl.bufferData(gl.ARRAY_BUFFER, array, gl.DYNAMIC_DRAW);
		gl.enableVertexAttribArray(place);
		if (place < 2) gl.vertexAttribPointer(place, 2, gl.UNSIGNED_SHORT, true, 0, 0);
		else gl.vertexAttribIPointer(place, 1, place === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, 0, 0);
	}

	return {
		name: "WebGL2",
		positions(from, to) {
			fill(0, from);
			fill(1, to);
		},
		slots: (array) => fill(2, array),
		marks: (array) => fill(3, array),
		palette(colors, size) {
			const padded = new Uint8Array(256 * Math.ceil(size / 256) * 4);
			padded.set(colors);
			gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, Math.ceil(size / 256), 0, gl.RGBA, gl.UNSIGNED_BYTE, padded);
		},
		draw({ width, height, x, y, scale, radius, focusRadius, rim, opacity, dimming, focus, mixing, ground, points }) {
			if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
			gl.viewport(0, 0, width, height);
			const [r, g, b] = ground.map((channel) => channel / 255);
			gl.clearColor(r, g, b, 1);
			gl.clear(gl.COLOR_BUFFER_BIT);
			set("1f", "mixing", mixing);
			set("2f", "center", x / UNITS, y / UNITS);
			set("2f", "scale", (2 * UNITS * scale) / width, (2 * UNITS * scale) / height);
			set("1f", "rim", rim);
			set("1f", "opacity", opacity);
			set("1f", "dimming", dimming);
			set("1ui", "focus", focus);
			set("3f", "ground", r, g, b);
			// What is in focus lies over the rest.
			for (const isBehind of focus === 0 ? [false] : [true, false]) {
				set("1i", "isBehind", isBehind);
				set("1f", "radius", Math.min(focus === 0 || isBehind ? radius : focusRadius, largest / 2 - 2));
				gl.drawArrays(gl.POINTS, 0, points);
			}
		},
	};
}
