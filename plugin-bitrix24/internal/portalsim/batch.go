package portalsim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxCommands = 50

// batch runs commands in order (settings/how-to-call-rest-api/batch.md). The result
// keeps the commands' keys; as in PHP, keys 0..n-1 make a list and nothing makes [].
type batch struct {
	keys    []string
	answers map[string]*answer
	timings map[string][]byte
}

// runBatch returns the batch's answer, or nil when the request ran out of time.
func (p *Portal) runBatch(ctx context.Context, c *call) *answer {
	commands, ok := c.params.get("CMD").(*array)
	if !ok {
		commands = newArray()
	}
	if len(commands.keys) > maxCommands && !p.options.Dialect.LongBatchByCommand {
		return failed(p.options.Dialect.systemError(codeBatchLength))
	}
	if p.options.Operating.BatchPays {
		p.mu.Lock()
		err := p.exhausted("batch", c.started)
		p.mu.Unlock()
		if err != nil {
			return failed(err)
		}
	}
	b := batch{answers: map[string]*answer{}, timings: map[string][]byte{}}
	for i, key := range commands.keys {
		if !p.spend(ctx, c, p.options.CommandLatency) {
			return nil
		}
		effects := c.effects.at(i+1, len(commands.keys))
		if p.cutBefore(effects) {
			break
		}
		a := p.runCommand(c, text(commands.values[key]), i, effects, &b, key)
		if a.missing {
			continue
		}
		b.keys = append(b.keys, key)
		b.answers[key] = a
		if a.err != nil && truthy(c.params.get("HALT")) {
			break
		}
	}
	return single(b.json())
}

func (p *Portal) cutBefore(e effects) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.has(CommandsCut)
}

func (p *Portal) runCommand(c *call, command string, i int, e effects, b *batch, key string) *answer {
	name, queryText, _ := strings.Cut(command, "?")
	name = strings.ToLower(strings.TrimSpace(name))
	switch {
	case i >= maxCommands:
		return failed(p.options.Dialect.systemError(codeBatchLength))
	case name == "batch":
		return failed(p.options.Dialect.systemError(codeBatchMethod))
	}
	params := newArray()
	parseQuery(params, queryText)
	p.mu.Lock()
	p.stats.Commands[name]++
	if !strings.Contains(queryText, "result") || !e.has(Unresolved) {
		resolve(params, b.answers)
	}
	p.mu.Unlock()
	if p.options.OnCommand != nil {
		p.options.OnCommand(c.n, i+1, name)
	}
	started := p.options.Now()
	payer := name
	if p.options.Operating.BatchPays {
		payer = "batch"
	}
	a := p.run(name, payer, params, e, started)
	b.timings[key] = p.timingOf(payer, started, a.spent)
	return a
}

// json renders the batch's result.
func (b *batch) json() []byte {
	size := 1024
	for _, a := range b.answers {
		for _, item := range a.items {
			size += len(item) + 1
		}
		size += len(a.raw) + 400
	}
	out := make([]byte, 0, size)
	good := func(a *answer) bool { return a.err == nil }
	out = b.section(out, `{"result":`, good, func(out []byte, key string) []byte { return b.answers[key].appendResult(out) })
	out = b.section(out, `,"result_error":`, func(a *answer) bool { return a.err != nil }, func(out []byte, key string) []byte {
		return append(out, b.answers[key].err.body()...)
	})
	out = b.section(out, `,"result_total":`, func(a *answer) bool { return good(a) && a.total >= 0 }, func(out []byte, key string) []byte {
		return appendTotal(out, b.answers[key].total, b.answers[key].totalText)
	})
	out = b.section(out, `,"result_next":`, func(a *answer) bool { return good(a) && a.next > 0 }, func(out []byte, key string) []byte {
		return strconv.AppendInt(out, int64(b.answers[key].next), 10)
	})
	out = b.section(out, `,"result_time":`, good, func(out []byte, key string) []byte { return append(out, b.timings[key]...) })
	return append(out, '}')
}

func (b *batch) section(out []byte, name string, wanted func(*answer) bool, write func([]byte, string) []byte) []byte {
	keys := slices.DeleteFunc(slices.Clone(b.keys), func(key string) bool { return !wanted(b.answers[key]) })
	out = append(out, name...)
	list := true
	for i, key := range keys {
		list = list && key == strconv.Itoa(i)
	}
	open, end := byte('['), byte(']')
	if !list {
		open, end = '{', '}'
	}
	out = append(out, open)
	for i, key := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		if !list {
			out = append(append(out, mustJSON(key)...), ':')
		}
		out = write(out, key)
	}
	return append(out, end)
}

// spend waits d as part of a request and reports whether the request still has time
// and a caller: "one HTTP request must end within 60 s".
func (p *Portal) spend(ctx context.Context, c *call, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	left := p.options.RequestLimit - c.spent
	c.spent += d
	if err := p.options.Sleep(ctx, min(d, left)); err != nil {
		return false
	}
	return d <= left
}
