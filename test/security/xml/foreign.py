"""Reads XML with expat and with libxml2 and answers with their trees, so that another parser can be held against them.

Standard input and output carry frames: a length in 4 bytes (big-endian), then as many bytes. A request is a list of
documents, each a frame of its own inside the frame. The answer has one line of JSON per document: the tree as
expat sees it, then the tree of libxml2; null where the parser refuses the document.

A tree is [namespace, local name, {"{namespace}name": value}, [text or tree ...]].
"""

import json
import struct
import sys
from xml.parsers import expat

from lxml import etree

SEPARATOR = "\x01"  # no character of XML 1.0


def merged(children):
    result = []
    for child in children:
        if isinstance(child, str):
            if not child:
                continue
            if result and isinstance(result[-1], str):
                result[-1] += child
                continue
        result.append(child)
    return result


def split(name):
    namespace, separator, local = name.rpartition(SEPARATOR)
    return (namespace, local) if separator else ("", name)


def by_expat(document):
    parser = expat.ParserCreate("UTF-8", SEPARATOR)
    root = ["", "", {}, []]
    stack = [root]

    def start(name, attributes):
        namespace, local = split(name)
        attrs = {"{%s}%s" % split(key): value for key, value in attributes.items()}
        node = [namespace, local, attrs, []]
        stack[-1][3].append(node)
        stack.append(node)

    def end(_):
        node = stack.pop()
        node[3] = merged(node[3])

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: stack[-1][3].append(text)
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return None
    return root[3][0]


def name_of(name):
    if name[0] != "{":
        return "", name
    namespace, _, local = name[1:].rpartition("}")
    return namespace, local


def lxml_tree(element):
    namespace, local = name_of(element.tag)
    attrs = {"{%s}%s" % name_of(key): value for key, value in element.attrib.items()}
    children = [element.text or ""]
    for child in element:
        children.append(lxml_tree(child))
        children.append(child.tail or "")
    return [namespace, local, attrs, merged(children)]


# Libxml2 only remarks upon namespace names that are no URI references and upon values of xml:id, and reads on; lxml alone
# takes the remark for an error.
NOTES = {"WAR_NS_URI", "WAR_NS_URI_RELATIVE", "DTD_XMLID_VALUE", "DTD_ID_REDEFINED", "WAR_SPACE_VALUE"}


def by_libxml2(document, recover=False):
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, encoding="UTF-8", recover=recover
    )
    try:
        return lxml_tree(etree.fromstring(document, parser))
    except etree.XMLSyntaxError:
        log = parser.error_log
        if not recover and log and all(note.type_name in NOTES for note in log):
            return by_libxml2(document, True)
        return None


def frames(block):
    at = 0
    while at < len(block):
        (length,) = struct.unpack_from(">I", block, at)
        yield block[at + 4 : at + 4 + length]
        at += 4 + length


def main():
    while True:
        header = sys.stdin.buffer.read(4)
        if len(header) < 4:
            return
        block = sys.stdin.buffer.read(struct.unpack(">I", header)[0])
        lines = []
        for document in frames(block):
            for tree in (by_expat(document), by_libxml2(document)):
                lines.append(json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
        answer = "\n".join(lines).encode("utf-8")
        sys.stdout.buffer.write(struct.pack(">I", len(answer)) + answer)
        sys.stdout.buffer.flush()


main()
