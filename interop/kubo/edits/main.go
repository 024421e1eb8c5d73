// Edits says what Kubo's own libraries make of directories and files that are changed step by step.
//
// It reads cases, one JSON object a line, and writes them again with the answers: after each step
// of a directory the CID and Tsize; of a file the CID of what was built, and then after each step
// its size or, when it is flushed, CID and Tsize. See crates/unixfs/tests/data/edits.py.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	chunker "github.com/ipfs/boxo/chunker"
	offline "github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	ft "github.com/ipfs/boxo/ipld/unixfs"
	balanced "github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	help "github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	trickle "github.com/ipfs/boxo/ipld/unixfs/importer/trickle"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	mod "github.com/ipfs/boxo/ipld/unixfs/mod"
	cid "github.com/ipfs/go-cid"
	ds "github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
)

type Op struct {
	Op     string `json:"op,omitempty"`
	Name   string `json:"name,omitempty"`
	Child  int    `json:"child,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Len    int    `json:"len,omitempty"`
	Seed   int    `json:"seed,omitempty"`
	Mode   uint32 `json:"mode,omitempty"`
	Secs   int64  `json:"secs,omitempty"`
}

type Case struct {
	Kind string `json:"kind,omitempty"` // dir | file
	V1   bool   `json:"v1,omitempty"`
	// dir
	Fanout     int    `json:"fanout,omitempty"`
	Threshold  int    `json:"threshold,omitempty"`
	MaxLinks   int    `json:"max_links,omitempty"`
	Estimation string `json:"estimation,omitempty"`
	// file
	Build   string   `json:"build,omitempty"` // empty | balanced | trickle | leaf | raw
	Len     int      `json:"len,omitempty"`
	Chunk   int64    `json:"chunk,omitempty"`
	Links   int      `json:"links,omitempty"`
	Raw     bool     `json:"raw,omitempty"`     // leaves of the built file
	RawMod  *bool    `json:"raw_mod,omitempty"` // DagModifier.RawLeaves
	Inline  bool     `json:"inline,omitempty"`
	Secs    int64    `json:"secs,omitempty"`
	Ops     []Op     `json:"ops,omitempty"`
	Results []string `json:"results"`
}

func content(n int, seed int) []byte {
	out := make([]byte, n)
	s := uint64(seed)*0x9E3779B97F4A7C15 + 1
	for i := range out {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		out[i] = byte(s)
	}
	return out
}

func service() ipld.DAGService {
	bs := blockstore.NewIdStore(blockstore.NewBlockstore(dssync.MutexWrap(ds.NewMapDatastore())))
	return merkledag.NewDAGService(blockservice.New(bs, offline.Exchange(bs)))
}

func child(n int) ipld.Node {
	p := cid.Prefix{Version: 1, Codec: cid.Raw, MhType: mh.SHA2_256, MhLength: -1}
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(n)
	}
	nd, _ := merkledag.NewRawNodeWPrefix(data, p)
	return nd
}

func prefix(v1 bool) cid.Prefix {
	if v1 {
		return merkledag.V1CidPrefix()
	}
	return merkledag.V0CidPrefix()
}

func runDir(c *Case) {
	ctx := context.Background()
	serv := service()
	uio.HAMTShardingSize = c.Threshold
	mode := uio.SizeEstimationLinks
	switch c.Estimation {
	case "block":
		mode = uio.SizeEstimationBlock
	case "disabled":
		mode = uio.SizeEstimationDisabled
	}
	uio.HAMTSizeEstimation = mode
	dir, err := uio.NewDirectory(serv, uio.WithMaxLinks(c.MaxLinks), uio.WithMaxHAMTFanout(c.Fanout), uio.WithCidBuilder(prefix(c.V1)), uio.WithSizeEstimationMode(mode))
	if err != nil {
		panic(err)
	}
	reopen := func(nd ipld.Node) {
		d2, err := uio.NewDirectoryFromNode(serv, nd)
		if err != nil {
			panic(err)
		}
		d2.SetMaxLinks(c.MaxLinks)
		d2.SetMaxHAMTFanout(c.Fanout)
		d2.SetSizeEstimationMode(mode)
		dir = d2
	}
	for _, op := range c.Ops {
		var res string
		switch op.Op {
		case "put":
			err = dir.AddChild(ctx, op.Name, child(op.Child))
		case "rm":
			err = dir.RemoveChild(ctx, op.Name)
		case "reopen":
			nd, e := dir.GetNode()
			if e != nil {
				panic(e)
			}
			serv.Add(ctx, nd)
			reopen(nd)
		case "v1":
			dir.SetCidBuilder(prefix(true))
		case "mode", "mtime":
			nd, _ := dir.GetNode()
			fsn, _ := ft.ExtractFSNode(nd)
			if op.Op == "mode" {
				fsn.SetMode(os.FileMode(op.Mode))
			} else {
				fsn.SetModTime(time.Unix(op.Secs, 0))
			}
			data, _ := fsn.GetBytes()
			n2 := merkledag.NodeWithData(data)
			n2.SetLinks(nd.Links())
			n2.SetCidBuilder(dir.GetCidBuilder())
			serv.Add(ctx, n2)
			reopen(n2)
		}
		if err != nil {
			res = "error: " + err.Error() + " "
			err = nil
		}
		nd, e := dir.GetNode()
		if e != nil {
			res += "node error: " + e.Error()
		} else {
			serv.Add(ctx, nd)
			sz, _ := nd.Size()
			res += fmt.Sprintf("%s %d", nd.Cid(), sz)
		}
		c.Results = append(c.Results, res)
	}
}

func build(c *Case, serv ipld.DAGService) ipld.Node {
	ctx := context.Background()
	p := prefix(c.V1)
	if c.Build == "empty" {
		nd := ft.EmptyFileNode()
		nd.SetCidBuilder(p)
		serv.Add(ctx, nd)
		return nd
	}
	data := content(c.Len, 1)
	var b cid.Builder = p
	if c.Inline {
		if c.Build == "raw" {
			nd, err := merkledag.NewRawNodeWPrefix(data, cid.Prefix{Version: 1, Codec: cid.Raw, MhType: mh.IDENTITY, MhLength: -1})
			if err != nil {
				panic(err)
			}
			return nd
		}
		b = cid.Prefix{Version: 1, Codec: cid.DagProtobuf, MhType: mh.IDENTITY, MhLength: -1}
	}
	if c.Build == "raw" {
		nd, _ := merkledag.NewRawNodeWPrefix(data, cid.Prefix{Version: 1, Codec: cid.Raw, MhType: mh.SHA2_256, MhLength: -1})
		serv.Add(ctx, nd)
		return nd
	}
	dbp := &help.DagBuilderParams{Dagserv: serv, Maxlinks: c.Links, RawLeaves: c.Raw, CidBuilder: b}
	if c.Secs != 0 {
		dbp.FileModTime = time.Unix(c.Secs, 0)
	}
	db, err := dbp.New(chunker.NewSizeSplitter(bytes.NewReader(data), c.Chunk))
	if err != nil {
		panic(err)
	}
	var nd ipld.Node
	if c.Build == "trickle" {
		nd, err = trickle.Layout(db)
	} else {
		nd, err = balanced.Layout(db)
	}
	if err != nil {
		panic(err)
	}
	serv.Add(ctx, nd)
	return nd
}

// The node, with the present instead of which a fixed time is told, and its content's length.
func tell(ctx context.Context, serv ipld.DAGService, n ipld.Node, c *Case) string {
	mark := ""
	if pn, ok := n.(*merkledag.ProtoNode); ok {
		fsn, err := ft.FSNodeFromBytes(pn.Data())
		if err != nil {
			return "error: " + err.Error()
		}
		if t := fsn.ModTime(); !t.IsZero() && t.Unix() != c.Secs {
			mark = " touched"
			fsn.SetModTime(time.Unix(c.Secs, 0))
			data, _ := fsn.GetBytes()
			p2 := pn.Copy().(*merkledag.ProtoNode)
			p2.SetData(data)
			n = p2
		}
		if len(fsn.Data()) > 0 && len(pn.Links()) > 0 {
			mark = " lossy"
		}
	}
	if overlong(ctx, serv, n) {
		mark = " lossy"
	}
	sz, _ := n.Size()
	return fmt.Sprintf("%s %d%s", n.Cid(), sz, mark)
}

// Whether there are identity CIDs below that Kubo makes but refuses to read.
func overlong(ctx context.Context, serv ipld.DAGService, n ipld.Node) bool {
	for _, l := range n.Links() {
		p := l.Cid.Prefix()
		if p.MhType == mh.IDENTITY && p.MhLength > 128 {
			return true
		}
		child, err := serv.Get(ctx, l.Cid)
		if err != nil || overlong(ctx, serv, child) {
			return true
		}
	}
	return false
}

func runFile(c *Case) {
	ctx := context.Background()
	serv := service()
	nd := build(c, serv)
	c.Results = append(c.Results, nd.Cid().String())
	open := func() *mod.DagModifier {
		// as read from the store
		n2, err := serv.Get(ctx, nd.Cid())
		if err != nil {
			panic(err)
		}
		dm, err := mod.NewDagModifier(ctx, n2, serv, chunker.SizeSplitterGen(c.Chunk))
		if err != nil {
			panic(err)
		}
		if c.RawMod != nil {
			dm.RawLeaves = *c.RawMod
		}
		dm.MaxLinks = c.Links
		return dm
	}
	dm := open()
	for _, op := range c.Ops {
		res := func() (res string) {
			defer func() {
				if r := recover(); r != nil {
					res = fmt.Sprintf("panic: %v", r)
				}
			}()
			var err error
			switch op.Op {
			case "write":
				_, err = dm.Seek(op.Offset, 0)
				if err == nil && op.Len > 0 {
					_, err = dm.Write(content(op.Len, op.Seed))
				}
			case "more":
				_, err = dm.Write(content(op.Len, op.Seed))
			case "truncate":
				err = dm.Truncate(op.Offset)
			case "flush":
				n, e := dm.GetNode()
				if e != nil {
					err = e
					break
				}
				serv.Add(ctx, n)
				res = tell(ctx, serv, n, c)
			case "reopen":
				n, e := dm.GetNode()
				if e != nil {
					err = e
					break
				}
				if e := serv.Add(ctx, n); e != nil {
					err = e
					break
				}
				res = tell(ctx, serv, n, c)
				nd = n
				dm = open()
			}
			if err != nil {
				return "error: " + err.Error()
			}
			if res == "" {
				sz, _ := dm.Size()
				res = fmt.Sprintf("%d", sz)
			}
			return res
		}()
		c.Results = append(c.Results, res)
		if strings.HasSuffix(res, " lossy") {
			break
		}
		if len(res) > 5 && (res[:5] == "panic" || res[:5] == "error") {
			break
		}
	}
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	dec := json.NewDecoder(in)
	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	for {
		var c Case
		if err := dec.Decode(&c); err != nil {
			return
		}
		if c.Kind == "dir" {
			runDir(&c)
		} else {
			runFile(&c)
		}
		enc.Encode(c)
	}
}
