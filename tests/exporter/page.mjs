// SPDX-License-Identifier: GPL-2.0
// The page in Chromium: node page.mjs EXPORTER-URL RECORDED SCREENSHOTS. Prints what failed; status 1 if anything did.
//
// The page comes from the exporter, with its headers; the counters are those that were recorded beside real traffic, one turn
// of them at each reading.
import fs from "node:fs";
import http from "node:http";
import {createRequire} from "node:module";

const [origin, recorded, screenshots] = process.argv.slice(2);
const {chromium} = createRequire(`${process.env.PLAYWRIGHT}/`)("playwright-core");
let turn = 0, gone = false, failed = 0;

function check(good, what) {
	if (good)
		return;
	failed++;
	console.log(`not so: ${what}`);
}

const server = http.createServer((request, reply) => {
	const path = request.url.split("?")[0];
	if (gone)
		return request.socket.destroy();
	const api = path.match(/^\/api\/v1\/(\w+)$/);
	if (!api)
		return http.get(origin + request.url, (from) => {
			reply.writeHead(from.statusCode, from.headers);
			from.pipe(reply);
		});
	const name = api[1] === "explain" ? "explain" : `${api[1]}.${Math.min(turn, 3)}`;
	reply.writeHead(200, {"Content-Type": "application/json"});
	reply.end(fs.readFileSync(`${recorded}/${name}.json`));
	if (api[1] === "drops")
		turn++;
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox"]});
try {
	const page = await browser.newPage({viewport: {width: 1100, height: 900}});
	const errors = [], elsewhere = [];
	page.on("console", (message) => ["error", "warning"].includes(message.type()) && !gone && errors.push(message.text()));
	page.on("pageerror", (error) => errors.push(String(error)));
	page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:") || elsewhere.push(request.url()));
	await page.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`)));

	await page.goto(url);
	const row = page.getByRole("row", {name: /80\/tcp/}).first();
	await row.waitFor();
	const first = await row.innerText();
	check(first.includes("http"), `the row of port 80: ${first}`);
	await page.waitForFunction((old) => [...document.querySelectorAll("#ports-table tbody tr")]
		.some((tr) => tr.innerText.includes("80/tcp") && tr.innerText !== old && !tr.innerText.includes("-\tbit")), first, {timeout: 30000});
	const second = await row.innerText();
	check(second !== first && /\d bit\/s|[kMG]bit\/s/.test(second), `it changes with traffic: ${first} then ${second}`);
	await page.waitForFunction(() => document.getElementById("graph-rx").getAttribute("d")?.includes("L"), null, {timeout: 30000});

	// By roles and names, as a screen reader has it.
	for (const [role, name] of [["heading", "Ports"], ["heading", "Totals"], ["table", /Ports, busiest first/], ["button", "Pause"],
		["combobox", "Scope"], ["searchbox", "Find"], ["heading", "Drops"], ["heading", "Ranges"], ["heading", "TCP handshakes"],
		["img", /Rate of this host/], ["status", ""], ["columnheader", "Received/s"]])
		check(await page.getByRole(role, {name}).count() > 0, `a ${role} named ${name}`);
	check((await page.locator("#drops").innerText()).includes("NO_SOCKET"), "the drops");
	check((await page.locator("#handshakes").innerText()).includes("80/tcp"), "the handshakes");
	check((await page.locator("#ranges").innerText()).includes("well-known"), "the ranges");

	await page.getByRole("button", {name: /^Explain 80\/tcp/}).first().click();
	await page.getByText("Watch for").waitFor();
	check((await page.locator("#explain").innerText()).includes("HTTP"), "a click explains the port");
	await page.screenshot({path: `${screenshots}/light.png`, fullPage: true});
	await page.keyboard.press("Escape");
	check(await page.locator("#explain").isHidden(), "Escape closes the explanation");
	check(await page.evaluate(() => document.activeElement.textContent === "80/tcp"), "the focus goes back to the port");

	// With the keyboard alone.
	await page.evaluate(() => document.activeElement.blur());
	const reached = new Set();
	for (let i = 0; i < 80; i++) {
		await page.keyboard.press("Tab");
		reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
	}
	for (const what of ["pause", "scope", "find", "80/tcp", "Port", "Dropped", "metrics"])
		check(reached.has(what), `the keyboard reaches ${what}`);
	await page.getByRole("button", {name: /^Explain 80\/tcp/}).first().focus();
	await page.keyboard.press("Enter");
	await page.locator("#explain").waitFor();
	await page.getByRole("button", {name: "Close"}).press("Enter");

	await page.getByRole("searchbox").fill("nonsense");
	check((await page.locator("#ports-more").innerText()).includes("No port matches"), "nothing found is said");
	await page.getByRole("searchbox").fill("");

	await page.emulateMedia({colorScheme: "dark"});
	const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	check(back.match(/\d+/g).slice(0, 3).every((v) => v < 64), `dark: ${back}`);
	await page.screenshot({path: `${screenshots}/dark.png`, fullPage: true});
	await page.emulateMedia({colorScheme: "light"});
	await page.setViewportSize({width: 390, height: 844});
	const width = await page.evaluate(() => document.documentElement.scrollWidth);
	check(width <= 390, `${width} pixels wide on a screen of 390`);
	await page.screenshot({path: `${screenshots}/narrow.png`, fullPage: true});

	gone = true;
	await page.getByRole("alert").waitFor({timeout: 30000});
	check((await page.getByRole("alert").innerText()).includes("does not answer"), "it says that the exporter is gone");
	await page.screenshot({path: `${screenshots}/gone.png`, fullPage: true});
	gone = false;
	await page.getByRole("alert").waitFor({state: "hidden", timeout: 30000});

	check(!errors.length, `errors in the console: ${errors.join("; ")}`);
	check(!elsewhere.length, `requests to others: ${elsewhere.join(" ")}`);
} catch (error) {
	check(false, String(error));
} finally {
	await browser.close();
	server.close();
	server.closeAllConnections();
}
process.exit(failed ? 1 : 0);
