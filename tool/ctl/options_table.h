/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every option, in the order of the help. A new one is a line here; OPT_NAME
 * is its number then, and OPT(NAME) its bit for the commands that take it.
 *
 *	OPTION(NAME, letter or 0, "name", "ARGUMENT" or NULL, set, help)
 *
 * An argument "[=NAME]" can be left out; set then gets NULL.
 * set is what keeps the argument: TEXT(member), NUMBER(member) or
 * SECONDS(member) of struct options, a function of options.c, or NOTHING if
 * the option has no argument. A letter means one thing in every command;
 * --count and --iterations, which no command accepts both of, share theirs.
 */
OPTION(JSON, 'j', "json", NULL, NOTHING,
	"one JSON document; numbers are exact")
OPTION(PRETTY, 'p', "pretty", NULL, NOTHING,
	"JSON in indented lines (implies --json)")
OPTION(PROCESSES, 'P', "processes", NULL, NOTHING,
	"show the processes that own the ports")
OPTION(NUMERIC, 'n', "numeric", NULL, NOTHING, "show no service names")
OPTION(DETAILS, 's', "details", NULL, NOTHING,
	"more columns, such as totals of both directions and first seen")
OPTION(ALL, 'a', "all", NULL, NOTHING,
	"show every port; do not fold ephemeral ones")
OPTION(NETNS, 0, "netns", "NAME|PID", TEXT(netns),
	"query this network namespace: a name (see: ip netns) or the PID of a process in it")
OPTION(ALL_NETNS, 'A', "all-netns", NULL, NOTHING,
	"query every network namespace that has a name or a process")
OPTION(SCOPE, 0, "scope", "SCOPE", WORD(set_scope, scope_names),
	"only local, remote, forward or loopback ports, or several: local,remote")
OPTION(TRANSPORT, 0, "transport", "TRANSPORT", WORD(set_transport, transport_names),
	"only tcp, udp, udplite, sctp or dccp")
OPTION(PORT, 0, "port", "PORTS", CALL(set_port),
	"only these: 22, 8000-8100, ssh, 53/udp, or several: 22,80,8000-8100")
OPTION(PROCESS, 0, "process", "NAME", TEXT(process),
	"only ports that a process of this name uses (nginx, php*)")
OPTION(UNIT, 0, "unit", "NAME", TEXT(unit),
	"only ports that a process of this unit or container uses")
OPTION(LIMIT, 0, "limit", "N", NUMBER(limit), "print N ports at most")
OPTION(RANGE, 0, "range", "RANGE", WORD(set_range, range_names),
	"only well-known, registered or dynamic")
OPTION(SORT, 0, "sort", "FIELD", WORD(set_sort, sort_names),
	"bytes, packets, rx, tx, rx-packets, tx-packets, last-seen, first-seen, port, service, scope, transport, connections, retransmitted, unanswered, drops or none")
OPTION(REVERSE, 'r', "reverse", NULL, NOTHING, "reverse the order")
OPTION(DELTA, 0, "delta", "[=NAME]", CALL(set_delta),
	"show the difference to the last stats --delta of this user, or to that of NAME")
OPTION(INTERVAL, 'i', "interval", "SECONDS", SECONDS(interval_ms),
	"repeat every SECONDS, showing per-second rates")
OPTION(COUNT, 'c', "count", "N", NUMBER(count), "stop after N intervals or events")
OPTION(WATCH, 0, "watch", "SECONDS", SECONDS(interval_ms),
	"measure for this time instead of comparing with the last check")
OPTION(ALL_TIME, 0, "all-time", NULL, NOTHING,
	"use all counts since counting began or was reset")
OPTION(QUIET, 'q', "quiet", NULL, NOTHING,
	"print nothing; only set the exit status")
OPTION(OUTPUT, 'o', "output", "LIST", TEXT(output),
	"show only these columns; +LIST adds to the defaults (see --list-columns)")
OPTION(FILE, 'f', "file", "FILE", TEXT(file),
	"write to this file, which is replaced as a whole")
OPTION(PORTS, 0, "ports", "LIST", TEXT(shown),
	"also these local ports: 53,443/tcp,8000-8009")
OPTION(LIST_COLUMNS, 0, "list-columns", NULL, NOTHING,
	"list the columns for --output")
OPTION(CSV, 0, "csv", NULL, NOTHING,
	"comma-separated values with a header; numbers are exact")
OPTION(NO_HEADER, 0, "no-header", NULL, NOTHING,
	"CSV without the line of column names (implies --csv)")
OPTION(BARS, 0, "bars", NULL, NOTHING,
	"draw a bar per row, scaled by the sort key")
OPTION(BITS, 0, "bits", NULL, NOTHING, "show bits instead of bytes")
OPTION(BATCH, 'b', "batch", NULL, NOTHING,
	"plain text, one reading after the other; needs no terminal")
OPTION(DELAY, 'd', "delay", "SECONDS", SECONDS(interval_ms),
	"time between two readings (default 1)")
OPTION(ITERATIONS, 'c', "iterations", "N", NUMBER(count),
	"end after N readings")
OPTION(ASCII, 0, "ascii", NULL, NOTHING, "draw graphs with ASCII characters")
OPTION(LIST, 0, "list", NULL, NOTHING,
	"list the known services, like the command services")
OPTION(COMPLETION, 0, "completion", "SHELL", TEXT(completion),
	"print a completion script for bash, zsh or fish")
OPTION(EXACT, 0, "exact", NULL, CALL(set_exact), "show all digits of every number")
OPTION(IEC, 0, "iec", NULL, CALL(set_iec), "powers of 1024: 1.18Mi")
OPTION(SI, 0, "si", NULL, CALL(set_si),
	"powers of 1000: 1.23M (the default)")
OPTION(COLOR, 0, "color", "WHEN", WORD(set_color, color_names), "auto, never or always")
OPTION(HELP, 'h', "help", NULL, NOTHING, "show this help")
OPTION(VERSION, 'V', "version", NULL, NOTHING, "show the version of the tool")
