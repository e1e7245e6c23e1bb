import { isObject, type JsonObject, list, optionalText } from '../n8n/json';

/** The parameters in the description of a node, by their names: all that the editor has to show. */
export interface Described {
	/** The names of the choices. */
	choices: Map<string, Set<string>>;
	/** The labels of the fields, those in collections too. */
	labels: Set<string>;
	/** The required parameters whose default is empty. */
	empty: Set<string>;
}

/** Reads the description of a node type, as n8n gives it to the editor. */
export function describedBy(nodeType: JsonObject): Described {
	const described: Described = { choices: new Map(), labels: new Set(), empty: new Set() };
	const read = (properties: unknown[]) => {
		for (const property of properties) {
			if (!isObject(property)) continue;
			const { name, displayName, options, values } = property;
			if (typeof name !== 'string') continue;
			described.labels.add(optionalText(displayName) ?? name);
			if (property.required === true && property.default === '') described.empty.add(name);
			const chosen = described.choices.get(name) ?? new Set();
			described.choices.set(name, chosen);
			for (const option of Array.isArray(options) ? options : []) {
				if (isObject(option) && 'value' in option && typeof option.name === 'string') {
					chosen.add(option.name);
				}
			}
			// Fields inside collections.
			if (Array.isArray(options)) read(options);
			if (Array.isArray(values)) read(values);
		}
	};
	read(list(nodeType.properties, 'properties of the node type'));
	return described;
}
