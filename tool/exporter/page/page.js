// SPDX-License-Identifier: GPL-2.0
"use strict";
(() => {
	const PERIOD = 2000, POINTS = 150, ROWS = 50;
	const by = (id) => document.getElementById(id);
	let before = null, now = null, paused = false, sort = "rate", history = [], opened = null;

	// What is not known is null, and shown as a dash.
	const exact = (v) => v == null ? "-" : v.toLocaleString("en");
	function scaled(v, unit) {
		const steps = ["", "k", "M", "G", "T", "P", "E"];
		let i = 0;
		if (v == null)
			return "-";
		while (v >= 1000 && i < steps.length - 1) {
			v /= 1000;
			i++;
		}
		return `${i && v < 100 ? v.toFixed(v < 10 ? 2 : 1) : Math.round(v)} ${steps[i]}${unit}`;
	}
	const bits = (v) => scaled(v, "bit/s");
	const bytes = (v) => scaled(v, "B");

	function element(tag, text, name) {
		const e = document.createElement(tag);
		if (text != null)
			e.textContent = text;
		if (name)
			e.className = name;
		return e;
	}

	const key = (p) => `${p.scope} ${p.transport} ${p.port}`;
	const label = (p) => p.port == null ? `ephemeral/${p.transport}` : `${p.port}/${p.transport}`;
	const named = (p) => p.port == null ? `${exact(p.folded)} ports` : p.service || "-";
	const dropped = (p) => p.drops && Object.values(p.drops).reduce((a, b) => a + b, 0);

	// What came since the reading before; after a reset all that is there came since.
	const grown = (v, old) => old == null || v < old ? v : v - old;

	function rates(ports, old, seconds) {
		const had = new Map(old ? old.map((p) => [key(p), p]) : []);
		for (const p of ports) {
			const q = had.get(key(p));
			p.rx_rate = old ? grown(p.rx.bytes, q && q.rx.bytes) * 8 / seconds : null;
			p.tx_rate = old ? grown(p.tx.bytes, q && q.tx.bytes) * 8 / seconds : null;
			p.rate = old ? p.rx_rate + p.tx_rate : p.rx.bytes + p.tx.bytes;
		}
	}

	const NS = "http://www.w3.org/2000/svg";
	function bar(rx, tx, max) {
		const svg = document.createElementNS(NS, "svg");
		svg.setAttribute("class", "bar");
		svg.setAttribute("viewBox", "0 0 100 10");
		svg.setAttribute("preserveAspectRatio", "none");
		svg.setAttribute("aria-hidden", "true");
		let x = 0;
		for (const v of [rx, tx]) {
			const rect = document.createElementNS(NS, "rect"), width = max ? v / max * 100 : 0;
			rect.setAttribute("x", x);
			rect.setAttribute("width", width);
			rect.setAttribute("height", 10);
			svg.append(rect);
			x += width;
		}
		return svg;
	}

	// Rows are kept where they are of the same port, so that the focus stays.
	function fill(table, heads, rows) {
		const head = table.tHead.rows[0], body = table.tBodies[0];
		if (!head.cells.length)
			for (const h of heads) {
				const th = element("th", h.sort ? null : h.name, h.style);
				th.scope = "col";
				if (h.sort) {
					const button = element("button", h.name);
					button.type = "button";
					button.addEventListener("click", () => { sort = h.sort; show(); });
					th.append(button);
				}
				head.append(th);
			}
		heads.forEach((h, i) => {
			if (h.sort === sort && table.id === "ports-table")
				head.cells[i].setAttribute("aria-sort", sort === "port" ? "ascending" : "descending");
			else
				head.cells[i].removeAttribute("aria-sort");
		});
		const had = new Map([...body.rows].map((tr) => [tr.dataset.key, tr]));
		rows.forEach((row, n) => {
			let tr = had.get(row.key);
			if (!tr) {
				tr = element("tr");
				tr.dataset.key = row.key;
				heads.forEach((h, i) => {
					const cell = element(i ? "td" : "th", null, h.style);
					if (!i)
						cell.scope = "row";
					tr.append(cell);
				});
			}
			had.delete(row.key);
			row.cells.forEach((v, i) => {
				const cell = tr.cells[i];
				if (v instanceof Node)
					cell.replaceChildren(v);
				else if (typeof v === "function")
					v(cell);
				else if (cell.textContent !== v)
					cell.textContent = v;
			});
			if (body.rows[n] !== tr)
				place(body, tr, n);
		});
		for (const tr of had.values())
			tr.remove();
	}

	function place(body, tr, n) {
		const held = tr.contains(document.activeElement) ? document.activeElement : null;
		body.insertBefore(tr, body.rows[n] || null);
		if (held)
			held.focus({preventScroll: true});
	}

	// The button of a port, made once.
	const opener = (p) => (cell) => {
		if (cell.firstChild)
			return;
		if (p.port == null) {
			cell.textContent = label(p);
			return;
		}
		const button = element("button", label(p));
		button.type = "button";
		button.setAttribute("aria-label", `Explain ${label(p)}${p.service ? `, ${p.service}` : ""}`);
		button.addEventListener("click", () => explain(p, button));
		cell.replaceChildren(button);
	};

	const left = "left", off = "narrow-off";
	function showPorts(stats) {
		const scope = by("scope").value, find = by("find").value.trim().toLowerCase();
		const orders = {
			rate: (a, b) => b.rate - a.rate, port: (a, b) => (a.port ?? 1e6) - (b.port ?? 1e6),
			rx: (a, b) => b.rx.bytes - a.rx.bytes, tx: (a, b) => b.tx.bytes - a.tx.bytes,
			drops: (a, b) => (dropped(b) || 0) - (dropped(a) || 0),
		};
		const all = stats.ports.filter((p) => (!scope || p.scope === scope) &&
			(!find || label(p).includes(find) || (p.service || "").toLowerCase().includes(find)));
		all.sort((a, b) => orders[sort](a, b) || (a.port ?? 1e6) - (b.port ?? 1e6));
		const some = all.slice(0, ROWS), max = Math.max(0, ...some.map((p) => p.rate));
		fill(by("ports-table"), [
			{name: "Port", style: left, sort: "port"}, {name: "Service", style: left},
			{name: "Scope", style: `${left} ${off}`}, {name: "Received/s", sort: "rate"}, {name: "Sent/s"},
			{name: "Rate", style: `${left} ${off}`}, {name: "Received", style: off, sort: "rx"},
			{name: "Sent", style: off, sort: "tx"}, {name: "Dropped", sort: "drops"},
		], some.map((p) => ({key: key(p), cells: [
			opener(p), named(p), p.scope, bits(p.rx_rate), bits(p.tx_rate),
			bar(before ? p.rx_rate : p.rx.bytes, before ? p.tx_rate : p.tx.bytes, max),
			bytes(p.rx.bytes), bytes(p.tx.bytes), exact(dropped(p)),
		]})));
		by("ports-more").textContent = all.length > some.length ? `${exact(all.length - some.length)} more ports are not shown.` :
			all.length ? "" : "No port matches.";
	}

	function showHandshakes(stats) {
		const rows = stats.ports.filter((p) => p.tcp && p.scope !== "forward" &&
			(p.tcp.established || p.tcp.failed || p.tcp.syn_received || p.tcp.syn_sent));
		rows.sort((a, b) => (b.tcp.established + b.tcp.failed) - (a.tcp.established + a.tcp.failed));
		fill(by("handshakes"), [
			{name: "Port", style: left}, {name: "Service", style: left}, {name: "Scope", style: left},
			{name: "Established"}, {name: "Failed"}, {name: "SYNs received", style: off},
			{name: "SYNs sent", style: off}, {name: "Retransmitted"},
		], rows.slice(0, 20).map((p) => ({key: key(p), cells: [
			label(p), named(p), p.scope, exact(p.tcp.established), exact(p.tcp.failed),
			exact(p.tcp.syn_received), exact(p.tcp.syn_sent), exact(p.tcp.retransmitted),
		]})));
		by("handshakes-none").hidden = rows.length > 0;
	}

	function showDrops(drops) {
		fill(by("drops"), [
			{name: "Port", style: left}, {name: "Scope", style: left}, {name: "Reason", style: left},
			{name: "Packets"}, {name: "Meaning", style: `${left} ${off}`},
		], drops.slice(0, 20).map((d) => ({key: `${d.scope} ${d.transport} ${d.port} ${d.reason}`, cells: [
			d.transport ? label(d) : "overflow", d.scope, d.reason, exact(d.packets), d.meaning || "",
		]})));
		by("drops-none").hidden = drops.length > 0;
	}

	function showRanges(ranges) {
		fill(by("ranges"), [
			{name: "Range", style: left}, {name: "Scope", style: left}, {name: "Transport", style: left},
			{name: "Ports"}, {name: "Received"}, {name: "Sent"},
		], ranges.filter((r) => r.ports).map((r) => ({key: `${r.scope} ${r.transport} ${r.range}`, cells: [
			r.range, r.scope, r.transport, exact(r.ports), bytes(r.rx.bytes), bytes(r.tx.bytes),
		]})));
	}

	function showTotals(stats) {
		const sum = {rx: 0, tx: 0, established: null, drops: 0, ports: 0};
		for (const p of stats.ports) {
			sum.drops += dropped(p) || 0;
			if (p.scope !== "local")
				continue;
			sum.rx += p.rx_rate;
			sum.tx += p.tx_rate;
			sum.ports += p.port == null ? p.folded : 1;
			if (p.tcp && p.tcp.established != null)
				sum.established += p.tcp.established;
		}
		const cards = [
			[bits(before ? sum.rx : null), "received, local ports"], [bits(before ? sum.tx : null), "sent, local ports"],
			[exact(sum.ports), "local ports seen"], [exact(sum.established), "connections accepted"],
			[exact(sum.drops), "packets dropped"],
		];
		const box = by("totals");
		cards.forEach(([value, what], i) => {
			if (!box.children[i]) {
				const card = element("div", null, "card");
				card.append(element("b"), element("span", what));
				box.append(card);
			}
			box.children[i].firstChild.textContent = value;
		});
		if (before)
			showGraph(sum);
	}

	function showGraph(sum) {
		history.push([sum.rx, sum.tx]);
		history = history.slice(-POINTS);
		const max = Math.max(1, ...history.flat());
		["rx", "tx"].forEach((way, k) => {
			const points = history.map((v, i) => `${(600 - (history.length - 1 - i) * 600 / (POINTS - 1)).toFixed(1)},${(116 - v[k] / max * 112).toFixed(1)}`);
			by(`graph-${way}`).setAttribute("d", `M${points.join("L")}`);
		});
		by("graph-max").textContent = `top of the graph: ${bits(max)}`;
		by("graph-title").textContent = `Rate of this host's ports: ${bits(sum.rx)} received, ${bits(sum.tx)} sent`;
	}

	function show() {
		if (!now)
			return;
		showTotals(now.stats);
		showTables();
	}

	function showTables() {
		showPorts(now.stats);
		showHandshakes(now.stats);
		showDrops(now.drops);
		showRanges(now.ranges);
	}

	async function get(path) {
		const reply = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(10000)});
		const body = await reply.json();
		if (!reply.ok)
			throw Object.assign(new Error(body.error), {answered: true});
		return body;
	}

	function gone(error) {
		const text = error.answered ? error.message :
			"The exporter does not answer. What is shown is the last that it said.";
		by("gone").hidden = false;
		if (by("gone").textContent !== text)
			by("gone").textContent = text;
		// What comes after it is not what came in one period.
		before = null;
	}

	async function read() {
		const stats = await get("api/v1/stats"), ranges = await get("api/v1/ranges"), drops = await get("api/v1/drops");
		const at = performance.now();
		rates(stats.ports, before && before.stats.ports, before ? (at - before.at) / 1000 : 1);
		now = {at, stats, ranges: ranges.ranges, drops: drops.drops};
		by("gone").hidden = true;
		by("state").textContent = `module ${stats.portmon.module}, counting since ${stats.portmon.since}`;
		show();
		before = now;
	}

	function entry(list, name, text) {
		if (text)
			list.append(element("dt", name), element("dd", text));
	}

	async function explain(p, from) {
		const box = by("explain"), text = by("explain-text");
		opened = from;
		by("explain-head").textContent = `Port ${label(p)}, ${p.scope}`;
		text.replaceChildren(element("p", "reading"));
		box.hidden = false;
		box.focus();
		try {
			const doc = await get(`api/v1/explain?port=${p.port}/${p.transport}`);
			const one = doc.explain[0];
			text.replaceChildren();
			for (const s of one.services) {
				const list = element("dl");
				entry(list, "Service", s.service);
				entry(list, "Name", s.name);
				entry(list, "For", s.for);
				entry(list, "Watch for", s.watch);
				text.append(list);
			}
			if (!one.services.length)
				text.append(element("p", "No service is known for this port."));
			text.append(element("p", `Range ${one.range}${one.ephemeral ? "; this host picks such ports for its own connections" : ""}. ` +
				`First seen ${p.first_seen || "-"}, last seen ${p.last_seen || "-"}.`));
		} catch (error) {
			text.replaceChildren(element("p", error.answered ? error.message : "The exporter does not answer."));
		}
	}

	function close() {
		by("explain").hidden = true;
		if (opened && opened.isConnected)
			opened.focus();
		opened = null;
	}

	async function turn() {
		if (!paused && !document.hidden)
			await read().catch(gone);
		setTimeout(turn, PERIOD);
	}

	by("host").textContent = location.host;
	by("pause").addEventListener("click", () => {
		paused = !paused;
		by("pause").setAttribute("aria-pressed", paused);
		by("pause").textContent = paused ? "Resume" : "Pause";
		before = null;
	});
	by("scope").addEventListener("change", () => now && showTables());
	by("find").addEventListener("input", () => now && showTables());
	by("explain-close").addEventListener("click", close);
	document.addEventListener("keydown", (event) => event.key === "Escape" && !by("explain").hidden && close());
	turn();
})();
