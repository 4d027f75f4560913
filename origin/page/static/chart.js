// Latency and buffer of the last minute as two lines.

const span = 60_000; // ms shown

export class Chart {
  #canvas;
  #points = []; // {at, latency, buffer}, seconds; oldest first

  constructor(canvas) { this.#canvas = canvas; }

  clear() {
    this.#points = [];
    this.#draw(performance.now());
  }

  add(latency, buffer) {
    const now = performance.now();
    this.#points.push({ at: now, latency, buffer });
    while (this.#points[0].at < now - span) this.#points.shift();
    this.#draw(now);
  }

  #draw(now) {
    const canvas = this.#canvas;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth * scale;
    const height = canvas.clientHeight * scale;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const draw = canvas.getContext('2d');
    const style = getComputedStyle(canvas);
    draw.clearRect(0, 0, width, height);

    const top = Math.max(2, ...this.#points.flatMap((p) => [p.latency, p.buffer]).filter(Number.isFinite)) * 1.15;
    const step = top > 40 ? 20 : top > 12 ? 5 : top > 6 ? 2 : top > 3 ? 1 : 0.5;
    draw.font = `${10 * scale}px system-ui, sans-serif`;
    draw.lineWidth = scale;
    for (let mark = step; mark < top; mark += step) {
      const y = height - (mark / top) * height;
      draw.strokeStyle = style.getPropertyValue('--line');
      draw.beginPath();
      draw.moveTo(0, y);
      draw.lineTo(width, y);
      draw.stroke();
      draw.fillStyle = style.getPropertyValue('--quiet');
      draw.fillText(`${mark} s`, 4 * scale, y - 3 * scale);
    }

    draw.lineWidth = 2 * scale;
    for (const [name, colour] of [['buffer', '--good'], ['latency', '--accent']]) {
      draw.strokeStyle = style.getPropertyValue(colour);
      draw.beginPath();
      let down = false;
      for (const point of this.#points) {
        if (!Number.isFinite(point[name])) { down = false; continue; }
        const x = width - ((now - point.at) / span) * width;
        const y = height - (point[name] / top) * height;
        if (down) draw.lineTo(x, y); else draw.moveTo(x, y);
        down = true;
      }
      draw.stroke();
    }
  }
}
