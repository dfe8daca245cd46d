import { expect, it } from 'vitest';
import { CallTree } from './call-tree.ts';

function tree(): CallTree {
  const made = new CallTree();
  for (const stack of ['main;f', 'main;f', 'main', 'main;f;f', 'main;g;f']) made.add(stack.split(';'));
  return made;
}

it('counts a function once in a stack that it is in twice', () => {
  expect(tree().functions()).toEqual([
    { name: 'f', self: 4, total: 4 },
    { name: 'main', self: 1, total: 5 },
    { name: 'g', self: 0, total: 1 },
  ]);
});

it('folds stacks, a line each', () => {
  expect(tree().folded().split('\n').sort()).toEqual(['', 'main 1', 'main;f 2', 'main;f;f 1', 'main;g;f 1']);
  const odd = new CallTree();
  odd.add(['a;b', 'c']);
  expect(odd.folded()).toBe('a:b;c 1\n');
});

it('is a profile as V8 writes it: every sample is of a node, every node but the root is the child of one', () => {
  const profile = tree().cpuProfile(1000) as {
    nodes: { id: number; children: number[]; hitCount: number; callFrame: { functionName: string } }[];
    samples: number[];
    timeDeltas: number[];
    endTime: number;
  };
  const ids = profile.nodes.map((node) => node.id);
  expect(profile.nodes.flatMap((node) => node.children).sort()).toEqual(ids.slice(1).sort());
  for (const node of profile.nodes) expect(profile.samples.filter((id) => id === node.id)).toHaveLength(node.hitCount);
  const nameOf = new Map(profile.nodes.map((node) => [node.id, node.callFrame.functionName]));
  expect(profile.samples.map((id) => nameOf.get(id))).toEqual(['f', 'f', 'main', 'f', 'f']);
  expect([profile.timeDeltas, profile.endTime]).toEqual([[1000, 1000, 1000, 1000, 1000], 5000]);
});
