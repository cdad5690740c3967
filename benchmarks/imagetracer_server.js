// A process that stays: images come in on stdin, drawings go out on stdout, so that Node's start is not measured.
//
//   node imagetracer_server.js MODULE OPTIONS
//
// OPTIONS is JSON, {} for the defaults.
// In:  width and height (uint32, little-endian), then width*height*4 bytes RGBA. End of input ends the process.
// Out: length of the SVG in bytes (uint32), seconds (float64), then the SVG in UTF-8. Only the tracing is timed.
"use strict";
const fs = require("fs");
const tracer = require(process.argv[2]);
const options = process.argv[3];

function read(size) {
  const bytes = Buffer.alloc(size);
  for (let filled = 0; filled < size; ) {
    const count = fs.readSync(0, bytes, filled, size - filled, null);
    if (count === 0) process.exit(0);
    filled += count;
  }
  return bytes;
}

function writeAll(bytes) {
  for (let written = 0; written < bytes.length; ) {
    written += fs.writeSync(1, bytes, written);
  }
}

for (;;) {
  const size = read(8);
  const [width, height] = [size.readUInt32LE(0), size.readUInt32LE(4)];
  const image = { width, height, data: read(width * height * 4) };
  const start = process.hrtime.bigint();
  const svg = tracer.imagedataToSVG(image, JSON.parse(options));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const text = Buffer.from(svg, "utf8");
  const header = Buffer.alloc(12);
  header.writeUInt32LE(text.length, 0);
  header.writeDoubleLE(seconds, 4);
  writeAll(header);
  writeAll(text);
}
