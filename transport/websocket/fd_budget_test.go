package websocket

import "testing"

func TestFDBudget_KeepsAReserveForTheServerAndOneForHTTP(t *testing.T) {
	for descriptors, want := range map[int]FDBudget{
		0:       {0, 1, 1},
		100:     {100, 75, 50},
		512:     {512, 448, 384},
		1024:    {1024, 960, 896},
		20000:   {20000, 19000, 18000},
		1 << 20: {1 << 20, 1<<20 - 1024, 1<<20 - 2048},
	} {
		if got := FDBudgetFor(descriptors); got != want {
			t.Errorf("%d descriptors: %+v, want %+v", descriptors, got, want)
		}
	}
}

func TestConfig_SocketsStayWithinTheFDBudget(t *testing.T) {
	if most := (Config{MaxSockets: 1 << 40}).filled().MaxSockets; most != DetectFDBudget().Sockets {
		t.Errorf("%d sockets in %+v", most, DetectFDBudget())
	}
	if few := (Config{MaxSockets: 7}).filled().MaxSockets; few != 7 {
		t.Errorf("%d sockets, not 7", few)
	}
}
