package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"slices"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/parley-realtime/parley/actors/cluster/home"
	"github.com/parley-realtime/parley/actors/cluster/member"
	"github.com/parley-realtime/parley/actors/cluster/message"
)

// Times of the groups.
const (
	raftTick     = 25 * time.Millisecond
	electionTick = 10
	// lease is how long after the beginning of a round of heartbeats nobody else is elected.
	lease = (electionTick - 2) * raftTick
)

var quiet = &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}

// disk is the log of a group on one node.
type disk struct{ log *raft.MemoryStorage }

func newDisk() *disk {
	d := &disk{raft.NewMemoryStorage()}
	voters := &raftpb.ConfState{}
	for id := range uint64(nodes) {
		voters.Voters = append(voters.Voters, id+1)
	}
	err := d.log.ApplySnapshot(&raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: voters, Index: proto.Uint64(1), Term: proto.Uint64(1),
	}})
	if err != nil {
		panic(err)
	}
	return d
}

// group is a slot's Raft group on one node, with its home if it leads.
type group struct {
	*node
	slot    int
	raft    *raft.RawNode
	inSync  []message.Node // as the log has it
	home    *home.Home
	ticked  time.Duration
	stood   time.Duration // when it last stood for election because of a death
	orphan  time.Duration // since when its leader is dead
	renewed time.Duration
}

func newGroup(n *node, slot int) *group {
	g := &group{node: n, slot: slot}
	var err error
	g.raft, err = raft.NewRawNode(&raft.Config{
		ID: uint64(n.id), ElectionTick: electionTick, HeartbeatTick: 2, Storage: n.disks[slot].log, Applied: 1,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 64, CheckQuorum: true, PreVote: true, Logger: quiet,
	})
	if err != nil {
		panic(err)
	}
	return g
}

func (g *group) step(m *raftpb.Message) { _ = g.raft.Step(m) } // it refuses what is old

// tick does what is due.
func (g *group) tick() {
	for g.world.now-g.ticked >= raftTick {
		g.ticked = max(g.ticked+raftTick, g.world.now-raftTick) // a stopped process does not catch up
		g.raft.Tick()
	}
	g.stand()
	g.ready()
	if g.home == nil {
		return
	}
	if g.world.now-g.renewed >= raftTick {
		g.renewed = g.world.now
		g.raft.ReadIndex(binary.BigEndian.AppendUint64(nil, uint64(g.world.now)))
	}
	g.home.Tick(g.world.now)
}

// stand has this node stand for election if the leader is dead: the first in rank at once, the next 50 ms later.
func (g *group) stand() {
	leader := message.Node(g.raft.BasicStatus().Lead)
	if leader != 0 && leader != g.id && g.table.State(leader) == member.Dead {
		if g.orphan == 0 {
			g.orphan = g.world.now
		}
	} else if leader != 0 {
		g.orphan = 0
	}
	if g.orphan == 0 || g.world.now-g.stood < 60*time.Millisecond {
		return
	}
	living := []message.Node{g.id}
	for _, id := range others(g.id) {
		if g.table.State(id) == member.Alive {
			living = append(living, id)
		}
	}
	at := slices.Index(member.Rank(uint64(g.slot), living), g.id)
	if g.world.now-g.orphan < time.Duration(at)*50*time.Millisecond {
		return
	}
	g.stood = g.world.now
	_ = g.raft.ForgetLeader()
	_ = g.raft.Campaign()
}

// ready does what the group asks for.
func (g *group) ready() {
	for g.raft.HasReady() {
		rd := g.raft.Ready()
		log := g.disks[g.slot].log
		if !raft.IsEmptyHardState(rd.HardState) {
			_ = log.SetHardState(rd.HardState)
		}
		if err := log.Append(rd.Entries); err != nil {
			panic(err)
		}
		g.demote()
		for _, m := range rd.Messages {
			g.world.sendVote(g.id, g.slot, proto.Clone(m).(*raftpb.Message))
		}
		for _, e := range rd.CommittedEntries {
			g.apply(e)
		}
		for _, s := range rd.ReadStates {
			if g.home != nil {
				g.home.Extend(g.world.now, time.Duration(binary.BigEndian.Uint64(s.RequestCtx))+lease)
			}
		}
		g.raft.Advance(rd)
	}
}

// demote ends the home when its leadership has ended.
func (g *group) demote() {
	s := g.raft.BasicStatus()
	if s.RaftState == raft.StateLeader {
		g.world.checks.leads(g.slot, s.GetTerm(), g.id)
	}
	if g.home != nil && (s.RaftState != raft.StateLeader || s.GetTerm() != g.home.Term()) {
		g.home = nil
	}
}

// apply applies an entry. The empty one of a term makes its leader a home.
func (g *group) apply(e *raftpb.Entry) {
	g.world.checks.applied(g.slot, e)
	if len(e.Data) > 0 {
		c := home.Change{Node: message.Node(e.Data[0]), Out: e.Data[1] == 1}
		g.inSync = slices.DeleteFunc(g.inSync, func(id message.Node) bool { return id == c.Node })
		if !c.Out {
			g.inSync = append(g.inSync, c.Node)
		}
		if g.home != nil {
			g.home.Agreed(g.world.now, c)
		}
		return
	}
	s := g.raft.BasicStatus()
	if s.RaftState != raft.StateLeader || e.GetTerm() != s.GetTerm() || g.home != nil {
		return
	}
	g.world.elected++
	all := append(others(g.id), g.id)
	g.home = home.New(g.world.now, uint64(g.slot), s.GetTerm(), all, g.inSync, g)
	for _, id := range others(g.id) {
		g.home.Silent(g.world.now, id, g.table.State(id) != member.Alive)
	}
}

// Propose implements home.Host.
func (g *group) Propose(c home.Change) {
	data := []byte{byte(c.Node), 0}
	if c.Out {
		data[1] = 1
	}
	_ = g.raft.Propose(data) // the home proposes it again
}

// NewEpoch implements home.Host.
func (g *group) NewEpoch() string {
	g.epochs++
	return fmt.Sprint(g.id, ".", g.start, ".", g.epochs)
}
