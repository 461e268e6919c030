package portalsim_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

// limits.md, "Request Intensity Limits".
func TestBucket(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bucket      portalsim.Bucket
		full, after int // how many at once, and how many more after 10 s
	}{
		"others: 50, 2 a second":           {portalsim.Bucket{}, 50, 20},
		"Enterprise: 250, 5 a second":      {portalsim.Enterprise(), 250, 50},
		"other programs on the address":    {portalsim.Bucket{Others: 1}, 50, 10},
		"refused requests count as well":   {portalsim.Bucket{CountBlocked: true}, 50, 19},
		"switched off, nothing is refused": {portalsim.Bucket{Off: true}, 300, 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			p := start(t, portalsim.Options{Bucket: c.bucket, Now: clock.Now})
			fill(t, p, c.full, !c.bucket.Off)
			clock.add(10 * time.Second)
			fill(t, p, c.after, !c.bucket.Off)
		})
	}
}

// fill expects n good answers and then, if there is an end, a refusal.
func fill(t *testing.T, p *portal, n int, ends bool) {
	t.Helper()
	for i := range n {
		if a := p.get("scope"); a.status != http.StatusOK {
			t.Fatalf("request %d: %s", i+1, a.text)
		}
	}
	if ends {
		p.get("scope").wantError(http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED")
	}
}

func TestBucketFilledByOthers(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := start(t, portalsim.Options{Now: clock.Now})
	p.FillBucket(50)
	fill(t, p, 0, true)
	clock.add(time.Second)
	fill(t, p, 2, true)
	want(t, "refused", p.Stats().Refused, 2)
	want(t, "a batch is one request", p.Stats().Requests, 4)
}

// limits.md, "Resource Consumption Limits".
func TestOperatingTime(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := start(t, portalsim.Options{People: staff(1), Now: clock.Now, Sleep: clock.Sleep, CommandLatency: 5 * time.Second,
		Operating: portalsim.Operating{Limit: 12 * time.Second}, Bucket: portalsim.Bucket{Off: true}})
	want(t, "operating", p.get("user.get").at("time", "operating"), 5)
	clock.add(time.Minute)
	p.get("user.get").wantStatus(http.StatusOK)
	third := p.get("user.get").wantStatus(http.StatusOK)
	want(t, "the sum of ten minutes", third.at("time", "operating"), 15)
	reset, err := third.at("time", "operating_reset_at").(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the first minute is forgotten after ten", time.Unix(reset, 0).UTC().Format(time.TimeOnly), "12:10:00")
	p.get("user.get").wantError(http.StatusTooManyRequests, "OPERATION_TIME_LIMIT")
	p.get("user.current").wantStatus(http.StatusOK)
	inBatch := p.batch("user.get", "scope").wantStatus(http.StatusOK)
	want(t, "inside a batch only its own method is blocked", inBatch.at("result", "result_error", "c1", "error"), "OPERATION_TIME_LIMIT")
	clock.add(time.Unix(reset, 0).Sub(clock.Now()))
	p.get("user.get").wantStatus(http.StatusOK)
}

func TestOperatingTimeOfABatch(t *testing.T) {
	t.Parallel()
	cost := func(string) time.Duration { return 6 * time.Second }
	for name, c := range map[string]struct {
		batchPays bool
		method    int
		batch     int
	}{
		"the methods inside pay": {false, http.StatusTooManyRequests, http.StatusOK},
		"the batch pays":         {true, http.StatusOK, http.StatusTooManyRequests},
	} {
		p := start(t, portalsim.Options{People: staff(1), Now: newClock().Now, Operating: portalsim.Operating{Limit: 11 * time.Second, Cost: cost, BatchPays: c.batchPays}})
		p.batch("user.get", "user.get").wantStatus(http.StatusOK)
		t.Log(name)
		p.get("user.get").wantStatus(c.method)
		p.batch("scope").wantStatus(c.batch)
	}
}

func TestOperatingCanBeHiddenOrOff(t *testing.T) {
	t.Parallel()
	hidden := start(t, portalsim.Options{Operating: portalsim.Operating{Hidden: true}}).get("scope")
	want(t, "operating", []any{hidden.at("time", "operating"), hidden.at("time", "operating_reset_at"), hidden.at("time", "start") != nil}, "[<nil> <nil> true]")
	off := start(t, portalsim.Options{Operating: portalsim.Operating{Off: true}})
	off.Charge("scope", time.Hour)
	off.get("scope").wantStatus(http.StatusOK)
	on := start(t, portalsim.Options{})
	on.Charge("scope", 481*time.Second)
	on.get("scope").wantError(http.StatusTooManyRequests, "OPERATION_TIME_LIMIT")
}
