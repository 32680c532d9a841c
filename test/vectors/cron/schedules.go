package main

import (
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const schedulesCount = 10_000

// field is one field of a random line: mostly what people write, at hours at which clocks are changed.
func field(random *rand.Rand, min, max int) string {
	value := func() int { return min + random.Intn(max-min+1) }
	switch random.Intn(6) {
	case 0:
		return "*"
	case 1:
		return fmt.Sprintf("*/%d", 2+random.Intn(11))
	case 2:
		return fmt.Sprintf("%d,%d", value(), value())
	case 3:
		low := value()
		return fmt.Sprintf("%d-%d", low, low+random.Intn(max-low+1))
	case 4:
		return fmt.Sprintf("%d/%d", value(), 1+random.Intn(7))
	default:
		return fmt.Sprint(value())
	}
}

func randomLine(random *rand.Rand) string {
	minute := field(random, 0, 59)
	hour := fmt.Sprint([]int{0, 1, 2, 3, 22, 23}[random.Intn(6)])
	if random.Intn(3) == 0 {
		hour = field(random, 0, 23)
	}
	day, month, week := "*", "*", "*"
	switch random.Intn(8) {
	case 0:
		day = field(random, 1, 31)
	case 1:
		week = field(random, 0, 6)
	case 2:
		day, week = field(random, 1, 31), field(random, 0, 6)
	case 3:
		month = field(random, 1, 12)
	}
	return strings.Join([]string{minute, hour, day, month, week}, " ")
}

// writeSchedules writes 10,000 random schedules, each from shortly before or after a change of its zone, all of which have their turn: a line with
// the zone, then lines of where it starts, the schedule, and the distances from each result to the next.
func writeSchedules(name string) {
	random := rand.New(rand.NewSource(2))
	var out strings.Builder
	left := schedulesCount
	for i, zone := range zones {
		loc, err := time.LoadLocation(zone)
		check(err)
		changes := transitions(loc, year(2024), year(2031))
		count := left / (len(zones) - i)
		left -= count
		fmt.Fprintln(&out, zone)
		for j := 0; j < count; j++ {
			from := year(2024).Unix() + random.Int63n(7*365*86400)
			if len(changes) > 0 {
				from = changes[j%len(changes)].Unix() + random.Int63n(30*3600) - 26*3600
			}
			line := randomLine(random)
			schedule, err := cron.ParseStandard(line)
			check(err)
			distances := run(schedule, loc, from, 4)[1:]
			fmt.Fprintf(&out, "%d %s\t%s\n", from, line, strings.Trim(fmt.Sprint(distances), "[]"))
		}
	}
	check(os.WriteFile(name, []byte(out.String()), 0o644))
}
