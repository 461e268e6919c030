package rest

import "encoding/binary"

const blockSize = 128 << 10

// pile keeps people in few large blocks instead of many small strings: a reading must
// be known to be complete before the first of them is handed on, and 100,000 people are
// some 8 MB this way.
type pile struct {
	blocks [][]byte
	count  int
}

func (p *pile) add(person Person) {
	fields := [...]string{person.ID, person.Name, person.Email, person.Phone, person.Position, person.Departments}
	need := 0
	for _, f := range fields {
		need += binary.MaxVarintLen32 + len(f)
	}
	last := len(p.blocks) - 1
	if last < 0 || len(p.blocks[last])+need > cap(p.blocks[last]) {
		p.blocks = append(p.blocks, make([]byte, 0, max(blockSize, need)))
		last++
	}
	block := p.blocks[last]
	for _, f := range fields {
		block = binary.AppendUvarint(block, uint64(len(f)))
		block = append(block, f...)
	}
	p.blocks[last] = block
	p.count++
}

// drain hands everybody to yield, in order, and lets go of the blocks on the way.
func (p *pile) drain(yield func(Person) error) error {
	for i, block := range p.blocks {
		for len(block) > 0 {
			var person Person
			for _, f := range []*string{&person.ID, &person.Name, &person.Email, &person.Phone, &person.Position, &person.Departments} {
				n, width := binary.Uvarint(block)
				*f = string(block[width : width+int(n)])
				block = block[width+int(n):]
			}
			if err := yield(person); err != nil {
				return err
			}
		}
		p.blocks[i] = nil
	}
	return nil
}
