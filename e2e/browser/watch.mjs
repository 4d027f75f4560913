// Opens a page in headless Chromium and prints, one JSON object a line, what the page reports by window.report(), what it
// prints to its console, and what it throws. Ends when standard input ends: whoever started it decides how long to watch.
//
//	node watch.mjs URL [SCREENSHOT.png]     the browser is $CHROMIUM; the picture is taken at the end

import { chromium } from 'playwright-core';

const [url, screenshot] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required',
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.exposeFunction('report', print);
  page.on('console', (message) => print({ console: message.text(), type: message.type() }));
  page.on('pageerror', (error) => print({ thrown: String(error) }));
  await page.goto(url);
  print({ opened: url });
  await new Promise((resolve) => { process.stdin.on('end', resolve).on('error', resolve).resume(); });
  if (screenshot) await page.screenshot({ path: screenshot });
} finally {
  await browser.close();
}
