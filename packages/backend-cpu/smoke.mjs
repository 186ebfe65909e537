import { backend, host } from '@drnn/backend-cpu';
import { variable, tanh, sub, mul, matrix } from '@drnn/tensor';
const rnd=(r,c)=>{const m=matrix(r,c);for(let i=0;i<m.data.length;i++)m.data[i]=Math.random()*2-1;return m};
const naive=(a,b)=>{const c=matrix(a.rows,b.columns);for(let i=0;i<a.rows;i++)for(let j=0;j<b.columns;j++){let s=0;for(let k=0;k<a.columns;k++)s+=a.data[i*a.columns+k]*b.data[k*b.columns+j];c.data[i*b.columns+j]=s}return c};
const diff=(a,b)=>{let m=0;for(let i=0;i<a.data.length;i++)m=Math.max(m,Math.abs(a.data[i]-b.data[i]));return m};
for(const [m,k,n] of [[3,5,4],[130,300,517],[1,100,100],[100,100,1],[50,9,2],[515,3,7]]){const a=rnd(m,k),b=rnd(k,n);console.log(m,k,n,diff(naive(a,b),host.matMul(a,b)))}
const A=rnd(300,200);const G=host.gram(A);console.log('gram',diff(G,naive({rows:200,columns:300,data:(()=>{const t=new Float64Array(60000);for(let i=0;i<300;i++)for(let j=0;j<200;j++)t[j*300+i]=A.data[i*200+j];return t})()},A)));
const f=host.cholesky(G);console.log(f.ok);const x=rnd(200,7);const b=naive(G,x);console.log('solve',diff(host.choleskySolve(f.factor,b),x));
let t=performance.now();const e=host.eigh(G);console.log('eigh',performance.now()-t);
{const V=e.vectors;const GV=naive(G,V);let m=0;for(let i=0;i<200;i++)for(let j=0;j<200;j++)m=Math.max(m,Math.abs(GV.data[i*200+j]-V.data[i*200+j]*e.values[j]));console.log('res',m/e.values[199])}
const on=await backend();const X=await on.rows(rnd(1000,20));const d=await on.rows(rnd(1000,10));
const z=variable('z');const r=await on.pass(X,{currents:{z:rnd(20,10)},data:{d},backProject:[sub(tanh(z),variable('d'))],columnSums:[z],keep:[z]});
console.log(r.backProject[0].rows,r.columnSums[0].length,on.memory());
await on.close();
for(const N of [512]){const a=rnd(N,N),b=rnd(N,N),out=matrix(N,N);const ts=[];for(let i=0;i<15;i++){const s=process.cpuUsage();host.matMul(a,b,{out});const u=process.cpuUsage(s);ts.push(u.user+u.system)}ts.sort((p,q)=>p-q);console.log('GF',2*N**3/ts[7]/1e3)}
