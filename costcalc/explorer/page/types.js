/**
 * What the page of the explorer is given: the data that costcalc/explorer writes and the page's modules read.
 *
 * Numbers are exact: whole numbers, or null where nobody knows. What repeats is said once: numbers, texts and what rows
 * have in common (kinds) stand in pools, and all else names them by their index. -1 is no index: nothing there.
 *
 * @typedef {number} Index
 *
 * @typedef {number | null | Term[]} Num    a constant; null: unknown; else the sum of its terms
 * @typedef {number[]} Term                 [coefficient, ...indices of vectors]: their product where the sliders stand.
 *                                          A term, and a sum, stays below 2^53; a total over rows or times a batch may not
 * @typedef {[axis: Index | Index[], values: number[]]} Vector
 *                                          a value for each place of a slider, places as in Form.where; of several
 *                                          sliders (an array of axes) the last is fastest
 *
 * @typedef {Object} Knob
 * @property {string} name                  "width"; "variant" where variants are chosen
 * @property {(number|string|boolean|null|(number|string)[])[]} values
 * @property {string[]} labels              as they are typed on the command line
 * @property {Index} start                  where the spec, or the command line, has it
 *
 * @typedef {Object} Kind                   what rows have in common: all but name and place
 * @property {Index} type                   text: "conv 3x3", "conv dw 3x3"
 * @property {Index} family                 of Page.families, for the colour
 * @property {Index[][]} reads              shapes that enter, channels first: numbers
 * @property {Index[][]} writes             shapes that leave
 * @property {[name: Index, text: Index, value: Index][]} formulas
 *                                          what `costcalc explain` says: name = text, its value a number; the text is of
 *                                          the letters in `letters`, and the page puts their numbers in
 * @property {[letter: Index, value: Index][]} letters
 * @property {string} [fields]              the operator's arguments, in words
 * @property {0|1} [stated]                 1: its numbers are stated by the spec, not derived
 * @property {Index} macs                   plain MACs, under no convention
 * @property {0|1|2} grouping               dense, grouped, depthwise: which rate of a device
 * @property {{[fusion: string]: [elements: Index, parameters: Index, launched: 0|1]}} work
 *                                          what crosses memory, by fusion (eager, pointwise, ideal); one that is missing is as eager
 *
 * @typedef {[name: string, kind: Index, line: Index, field: Index, shares: Index]} Row
 *                                          field: of Form.fields; shares: the row whose weights it uses, -1 none
 * @typedef {[name: string, first: Index, count: number]} Line
 *                                          a layer with its norm and activation: rows that follow each other
 *
 * @typedef {number | string | null} Field  "global", "7x1"; null: none or unknown
 * @typedef {Object} FieldTable             where the sliders move it
 * @property {Index[]} axes
 * @property {Field[]} values               the last axis fastest
 *
 * @typedef {Object} Box                    a block of the graph; the root is the network, its name ""
 * @property {string} name                  its path: "stage1/bottleneck2"
 * @property {string} title                 "bottleneck2", "bottleneck2-4 x3" where equal blocks fold to one
 * @property {[first: Index, count: number]} lines  all its lines, those of every repeat
 * @property {number} [times]               so many equal blocks follow each other: `items` are the first's, and those of
 *                                          the next have lines (lines[1] / times) further on
 * @property {(Box | Index)[]} items        boxes, and lines
 * @property {Layout} layout
 *
 * @typedef {Object} Layout                 of a box's items, those among them that are boxes folded. A grid: ranks run down,
 *                                          lanes run from left to right; rows and columns are as large as what stands in
 *                                          them, so that the page can unfold a box in its place
 * @property {[rank: number, lane: number][]} at     an item each
 * @property {number} ranks
 * @property {number} lanes
 * @property {number[][]} chains            lanes, a rank after another, that edges pass
 * @property {Edge[]} edges
 * @typedef {[from: Index, to: Index, row: Index, part: Index, chain: Index]} Edge
 *                                          items; from -1: enters the box, to -1: leaves it. The shape is writes[part] of the
 *                                          row's kind; of the network's own input row is -1 - its number, and part 0.
 *                                          chain: the lane at each rank between its ends, as many of its first as there are such
 *                                          ranks, -1 none. One that enters begins at rank 0, one that leaves ends at the last
 *
 * @typedef {Object} Memory                 in the mode of Network.memory
 * @property {[elements: Index, bits: number, maker: Index, first: Index, last: Index][]} storages
 *                                          alive while the rows first..last run; bytes = ceil(elements x batch x bits / 8);
 *                                          maker: the row that writes it, -1 - n the n-th input
 * @property {[row: Index, elements: Index, bits: number][]} beside
 *                                          what a row needs beside what is alive; bytes as above
 *                                          the peak is the most at one row
 *
 * @typedef {Object} Form                   one structure: for which values of the lists, and at which places of the sliders, it holds
 * @property {Index[]} at                   a value of each list
 * @property {Index[][]} where              of each slider the places, in order: vectors have a value for each of these
 * @property {Vector[]} vectors
 * @property {Num[]} numbers
 * @property {Kind[]} kinds
 * @property {Row[]} rows
 * @property {Line[]} lines
 * @property {Box} graph
 * @property {[name: string, dims: Index[]][]} inputs
 * @property {Index[][]} counts             columns: a number for each kind
 * @property {[params: Index, operations: Index][]} conventions
 *                                          columns, for each of Page.conventions; -1: this convention refuses it, and `refuses` says why
 * @property {{[convention: string]: string}} [refuses]
 * @property {{[metric: string]: Index[]}} metrics   further sums, a number for each kind: activations, elementwise; they grow with the batch
 * @property {(Field | FieldTable)[]} fields
 * @property {Index} field                  the row whose field is the network's: the last that has pixels; -1 none
 * @property {string} [untold]              why no receptive field is told
 * @property {Memory} memory
 *
 * @typedef {Object} Network
 * @property {string} name
 * @property {string} title
 * @property {string} source
 * @property {string[]} notes               what a reader must know
 * @property {Knob[]} sliders               numbers that leave the structure as it is
 * @property {Knob[]} lists                 variants, words, depths: a form, or several, for each combination
 * @property {Form[]} forms
 * @property {{mode: string, bits: number, says: string}} memory
 * @property {{at: Index[], where: Index[][], wrong: string}[]} refused
 *                                          settings that the spec refuses, and why: those in no form
 *
 * @typedef {Object} Convention
 * @property {string} name
 * @property {string} label                 name and hash
 * @property {string} says                  what it counts
 * @property {string} unit                  MACs, FLOPs, ...
 * @property {string} things                what its params are
 *
 * @typedef {Object} Rates                  of one device at one type of numbers:
 *                                          least = max(macs x batch / rate[grouping], (elements x batch + parameters) x size / bandwidth)
 *                                                  + (launched ? overhead : 0) seconds; most = the sum of both + overhead
 * @property {string} device
 * @property {string} title
 * @property {string} dtype
 * @property {number} size                  bytes of a number
 * @property {number} batch                 the least batch that it holds for
 * @property {[number, number, number]} rate    MACs a second: dense, grouped, depthwise
 * @property {number | null} bandwidth      bytes a second; null: infinite
 * @property {number} overhead              seconds
 * @property {string} fusion
 * @property {boolean} bounded              a lower bound only: there is no `most`
 * @property {string[]} says                how far to trust it
 *
 * @typedef {Object} Page
 * @property {1} version
 * @property {string} costcalc              its version
 * @property {[name: string, light: string, dark: string][]} families
 * @property {string[]} texts
 * @property {Convention[]} conventions
 * @property {Rates[]} rates                of one device and dtype several, the largest `batch` first: the first that is reached holds
 * @property {{convention: string, batch: number, device: string, dtype: string}} start     device "": none
 * @property {Network[]} networks
 * @property {[Index, Index][][]} aligned   of each network after the first: pairs of lines (of both forms at the start), -1 where one has no other
 */
export {};
