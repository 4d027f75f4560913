// Copies the player engines, pinned in package-lock.json, from node_modules into dist, from where page.go embeds them.
// Run by 'make page' after 'npm ci'. Writes nothing outside dist.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';

const engines = [
  { name: 'hls.js', script: 'dist/hls.min.js', licence: 'LICENSE' },
  { name: 'dashjs', script: 'dist/modern/umd/dash.all.min.js', licence: 'LICENSE.md', mss: 'dist/modern/umd/dash.mss.min.js' },
  { name: 'shaka-player', script: 'dist/shaka-player.compiled-es2021.js', licence: 'LICENSE' },
];

const from = (file) => new URL(`node_modules/${file}`, import.meta.url);
const to = (file) => new URL(`dist/players/${file}`, import.meta.url);

await mkdir(to('.'), { recursive: true });
const versions = {};
for (const { name, script, licence, mss } of engines) {
  const { version } = JSON.parse(await readFile(from(`${name}/package.json`), 'utf8'));
  const base = name.replace(/\.js$/, '');
  await copyFile(from(`${name}/${script}`), to(`${base}.js`));
  if (mss) await copyFile(from(`${name}/${mss}`), to(`${base}-mss.js`)); // what it needs for Smooth Streaming
  await copyFile(from(`${name}/${licence}`), to(`${base}.LICENSE.txt`));
  versions[base] = version;
}
await writeFile(to('versions.json'), JSON.stringify(versions) + '\n');
console.log('players:', versions);
