// Writes zones.json, next.json, schedules.txt and lines.json: what robfig/cron v3.0.1, which Kubernetes' CronJob uses, makes of cron lines.
// How to run it is in README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"time"

	"github.com/robfig/cron/v3"
)

// Zones whose clocks are changed in every way there is, and some that are not changed.
var zones = []string{
	"UTC",
	"Europe/Berlin",
	"Europe/London", // winter time is UTC itself
	"Europe/Dublin", // winter time is the "saving" one
	"America/New_York",
	"America/St_Johns",  // half an hour off
	"America/Sao_Paulo", // until 2019 midnight was left out in spring
	"America/Havana",    // midnight is left out, 0 h comes twice
	"America/Santiago",  // midnight is left out, 23 h comes twice
	"America/Nuuk",      // clocks change at 22 h and 23 h of the day before
	"Atlantic/Azores",   // 0 h is left out, and comes twice
	"Asia/Beirut",       // midnight is left out
	"Africa/Cairo",      // midnight is left out, on Fridays
	"Asia/Tehran",       // until 2022 midnight was left out in spring
	"Asia/Kathmandu",    // 5:45, never changed
	"Asia/Jerusalem",
	"Australia/Lord_Howe", // half an hour forward and back
	"Pacific/Auckland",
	"Pacific/Chatham",    // 12:45
	"Pacific/Apia",       // summer time until 2021. The day that it left out in 2011 is not here: robfig never comes back from it
	"Pacific/Kiritimati", // 14 h ahead
	"Europe/Tallinn",
	"Africa/Casablanca", // put back for Ramadan; tzdata 2026 gave that up, so copies of tzdata differ: see zones.json
}

// Years in which the peculiarities happened that are no more.
var formerYears = map[string][2]int{
	"America/Sao_Paulo": {2015, 2019},
	"Asia/Tehran":       {2020, 2022},
	"Pacific/Apia":      {2012, 2021},
}

var schedules = []string{
	"* * * * *",
	"*/15 * * * *",
	"7,37 * * * *",
	"0 * * * *",
	"30 * * * *",
	"59 23 * * *",
	"0 0 * * *",
	"30 0 * * *",
	"5 1 * * *",
	"45 1 * * *",
	"0 2 * * *",
	"15 2 * * *",
	"30 2 * * *",
	"0 3 * * *",
	"30 23 * * *",
	"0 1-3 * * *",
	"20/20 */2 * * *",
	"30 2 * * 0",
	"0 0 * * 5,6",
	"0 0 1 * *",
	"0 0 13 * 5",
	"0 12 */10 * mon",
	"30 1 31 * ?",
	"0 0 1 1,4,10 *",
	"0 0 29 2 *",
	"0 0 30 2 *",
	"15 10 ? 3,10-11 sun",
	"10 2 25-31 3,10 sun",
	"@weekly",
	"@yearly",
	"@every 1h30m",
	"@every 36h0m1.5s",
}

type series struct {
	Zone     string `json:"zone"`
	Schedule string `json:"schedule"`
	// From where (seconds since 1970), then the distance from each to the next; a 0 at the end: none within five years.
	Runs [][]int64 `json:"runs"`
}

// transitions returns the instants at which the offset of a zone changes.
func transitions(loc *time.Location, from, to time.Time) []time.Time {
	var found []time.Time
	// Every change happens at a quarter of an hour. ZoneBounds would not do: at some ends of a year it names the instant it is asked for.
	const step = 15 * time.Minute
	for at := from; at.Before(to); at = at.Add(step) {
		_, before := at.Add(-step).In(loc).Zone()
		_, after := at.In(loc).Zone()
		if before != after {
			found = append(found, at)
		}
	}
	return found
}

func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

type rule struct {
	Zone string `json:"zone"`
	// From an instant on (seconds since 1970), so many seconds east of UTC; the first holds for all time before too.
	Offsets [][2]int64 `json:"offsets"`
}

// rules are those of the very copy of tzdata that the vectors are made with: who compares reckons with them, whatever the copy at hand says.
func rules() []rule {
	var all []rule
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		check(err)
		one := rule{Zone: zone}
		from := year(2012)
		for _, at := range append([]time.Time{from}, transitions(loc, from, year(2037))...) {
			_, offset := at.In(loc).Zone()
			one.Offsets = append(one.Offsets, [2]int64{at.Unix(), int64(offset)})
		}
		all = append(all, one)
	}
	return all
}

func changesOf(zone string, loc *time.Location) []time.Time {
	changes := transitions(loc, year(2024), year(2031))
	if years, ok := formerYears[zone]; ok {
		changes = append(changes, transitions(loc, year(years[0]), year(years[1]+1))...)
	}
	return changes
}

func startingPoints(random *rand.Rand, changes []time.Time) []int64 {
	// A change in each of its surroundings: hours before, inside, and just after, at odd seconds too.
	before := []time.Duration{26 * time.Hour, 3 * time.Hour, 75 * time.Minute, 20 * time.Minute, time.Second}
	after := []time.Duration{0, 7 * time.Minute, 29*time.Minute + 59*time.Second, 50 * time.Minute, 90 * time.Minute}
	var points []int64
	for _, change := range changes {
		points = append(points, change.Add(-before[random.Intn(len(before))]).Unix(), change.Add(after[random.Intn(len(after))]).Unix())
	}
	for i := 0; i < 4; i++ {
		points = append(points, year(2024).Unix()+random.Int63n(7*365*86400))
	}
	sort.Slice(points, func(i, j int) bool { return points[i] < points[j] })
	return points
}

func run(schedule cron.Schedule, loc *time.Location, from int64, count int) []int64 {
	// Differences are short: each number but the first is the distance from the one before.
	out := []int64{from}
	at := time.Unix(from, 0).In(loc)
	for i := 0; i < count; i++ {
		next := schedule.Next(at)
		if next.IsZero() {
			return append(out, 0)
		}
		out = append(out, next.Unix()-at.Unix())
		at = next
	}
	return out
}

func next() []series {
	var all []series
	random := rand.New(rand.NewSource(1))
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		check(err)
		changes := changesOf(zone, loc)
		for _, line := range schedules {
			schedule, err := cron.ParseStandard(line)
			check(err)
			one := series{Zone: zone, Schedule: line}
			for _, from := range startingPoints(random, changes) {
				// CronJob puts the zone into the line; a time in that zone gives the same.
				one.Runs = append(one.Runs, run(schedule, loc, from, 5))
			}
			all = append(all, one)
		}
	}
	return all
}

type acceptance struct {
	Line     string `json:"line"`
	Accepted bool   `json:"accepted"`
	// From 2024-01-31T22:58:30Z in UTC, the distance from each result to the next, as in series.
	Next []int64 `json:"next,omitempty"`
}

func accepted(lines []string) []acceptance {
	var all []acceptance
	for _, line := range lines {
		one := acceptance{Line: line}
		if schedule, err := cron.ParseStandard(line); err == nil {
			one.Accepted = true
			one.Next = run(schedule, time.UTC, time.Date(2024, 1, 31, 22, 58, 30, 0, time.UTC).Unix(), 6)[1:]
		}
		all = append(all, one)
	}
	return all
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write puts every element on a line of its own, so that a change can be read in a diff.
func write[T any](name string, elements []T) {
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, element := range elements {
		var one bytes.Buffer
		encoder := json.NewEncoder(&one)
		encoder.SetEscapeHTML(false)
		check(encoder.Encode(element))
		out.Write(bytes.TrimSpace(one.Bytes()))
		if i < len(elements)-1 {
			out.WriteString(",")
		}
		out.WriteString("\n")
	}
	out.WriteString("]\n")
	check(os.WriteFile(name, out.Bytes(), 0o644))
}

func main() {
	write("zones.json", rules())
	write("next.json", next())
	writeSchedules("schedules.txt")
	write("lines.json", accepted(lines()))
}
