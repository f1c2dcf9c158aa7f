// The judge: Go's own checksum-database packages read our log. Arguments: folder of the log, verifier key.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type files struct{ folder string }

func (f files) Height() int { return 8 }

// sumdb has the height in the path; tlog-tiles has not.
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(f.folder, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func must(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func entry(folder string, size, index int64) []byte {
	n := index / 256
	width := size - n*256
	tile := tlog.Tile{H: 8, L: 0, N: n, W: 256}
	if width < 256 {
		tile.W = int(width)
	}
	path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(folder, path))
	must(err)
	for at := n * 256; ; at++ {
		length := int(data[0])<<8 | int(data[1])
		if at == index {
			return data[2 : 2+length]
		}
		data = data[2+length:]
	}
}

func main() {
	folder, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	must(err)
	bytes, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	var root tlog.Hash
	must(root.UnmarshalJSON([]byte(strconv.Quote(lines[2]))))
	tree := tlog.Tree{N: size, Hash: root}
	reader := tlog.TileHashReader(tree, files{folder})
	inclusions, consistencies := 0, 0
	for _, index := range []int64{0, 1, 255, 256, 511, size - 1} {
		if index >= size {
			continue
		}
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err)
		must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry(folder, size, index))))
		inclusions++
	}
	for _, old := range []int64{1, 255, 256, 257, 65536} {
		if old > size {
			continue
		}
		oldRoot, err := tlog.TreeHash(old, reader)
		must(err)
		proof, err := tlog.ProveTree(size, old, reader)
		must(err)
		must(tlog.CheckTree(proof, size, root, old, oldRoot))
		consistencies++
	}
	fmt.Printf("OK size=%d verified=%d unverified=%d inclusion=%d consistency=%d\n", size, len(opened.Sigs), len(opened.UnverifiedSigs), inclusions, consistencies)
}
